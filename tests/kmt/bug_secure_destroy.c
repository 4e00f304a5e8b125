/* STOP: 0x000000C2 BAD_POOL_CALLER
 * Promise: what is no secure pool is not destroyed.
 * SAYS: STOP: 0x000000C2 \(0x00000000000000CA
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
    Block = Pool;
    ExDestroyPool(Block);
    Block = Allocate(0);
    ExDestroyPool(Pool);
    DbgPrint("never reached\n");
}
