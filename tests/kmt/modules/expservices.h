/* expservices.h - where the modules that load drivers make services. */
#ifndef _EXPSERVICES_H_
#define _EXPSERVICES_H_

#include <ntifs.h>

#define EXP_SERVICES L"\\Registry\\Machine\\System\\CurrentControlSet\\Services"

#endif
