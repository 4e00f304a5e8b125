/* STOP: 0x000000BE ATTEMPTED_WRITE_TO_READONLY_MEMORY
 * Promise: nobody writes to a block of a secure pool.
 */
#include "kmt.h"

#define TAG 'ceSK' /* "KSec" */
#define COOKIE 0x1234567890ABCDEFULL

static HANDLE Pool;

static PVOID Allocate(ULONG Flags)
{
    POOL_EXTENDED_PARAMS_SECURE_POOL Secure = {0};
    POOL_EXTENDED_PARAMETER Parameter = {0};

    Secure.SecurePoolHandle = Pool;
    Secure.Cookie = COOKIE;
    Secure.SecurePoolFlags = Flags;
    Parameter.Type = PoolExtendedParameterSecurePool;
    Parameter.SecurePoolParams = &Secure;
    return ExAllocatePool3(POOL_FLAG_NON_PAGED, 100, TAG, &Parameter, 1);
}

static VOID KmtRun(VOID)
{
    PVOID Block;

    ExCreatePool(POOL_CREATE_FLG_SECURE_POOL, TAG, NULL, &Pool);
    Block = Allocate(SECURE_POOL_FLAGS_MODIFIABLE);
    *(volatile UCHAR *)Block = 1;
    DbgPrint("never reached\n");
}
