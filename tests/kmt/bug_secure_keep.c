/* STOP: 0x000000C2 BAD_POOL_CALLER
 * Promise: a block that is not freeable is not freed.
 * SAYS: STOP: 0x000000C2 \(0x00000000000000CA, .*, 0x00000000C0000022\)
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

static VOID Free(PVOID Block, HANDLE Handle, ULONG_PTR Cookie)
{
    POOL_EXTENDED_PARAMS_SECURE_POOL Secure = {0};
    POOL_EXTENDED_PARAMETER Parameter = {0};

    Secure.SecurePoolHandle = Handle;
    Secure.Cookie = Cookie;
    Parameter.Type = PoolExtendedParameterSecurePool;
    Parameter.SecurePoolParams = &Secure;
    ExFreePool2(Block, TAG, &Parameter, 1);
}

static VOID KmtRun(VOID)
{
    PVOID Block;

    ExCreatePool(POOL_CREATE_FLG_SECURE_POOL, TAG, NULL, &Pool);
    Block = Allocate(SECURE_POOL_FLAGS_NONE);
    Free(Block, Pool, COOKIE);
    DbgPrint("never reached\n");
}
