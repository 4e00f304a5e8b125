/* csq.h - cancel-safe IRP queues (book ch. 7). They are a part of wdm.h; this is for code that
 * names them. */
#ifndef _CSQ_
#define _CSQ_
#include <wdm.h>
#endif
