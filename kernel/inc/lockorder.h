/*
 * lockorder.h - the order in which spin locks are taken, lowest number first. A routine that holds
 * a lock may take only locks of a higher number; otherwise two processors could each hold what the
 * other waits for. Driver locks come before every one of these but the first. The debug kernel
 * checks the numbers whenever a lock is taken (ke/lockrank.c).
 */
#ifndef _LOCKORDER_H_
#define _LOCKORDER_H_

#define LOCK_ORDER_IO_TIMER 5        /* IopTimerLock: before drivers' own, see io/timer.c */
#define LOCK_ORDER_IO_CANCEL 10      /* IopCancelSpinLock */
#define LOCK_ORDER_IO_DATABASE 20    /* IopDatabaseLock: device lists, attach chains */
#define LOCK_ORDER_OB_HANDLE 30      /* a handle table's lock */
#define LOCK_ORDER_OB_TIMER 35       /* threads' lists of timers; takes no other */
#define LOCK_ORDER_PS_CID 40         /* process and thread lists */
#define LOCK_ORDER_EX_WORK 50        /* work queues */
#define LOCK_ORDER_EX_CONDITION 55   /* the memory condition events */
#define LOCK_ORDER_EX_LOOKASIDE 58   /* the list of lookaside lists */
#define LOCK_ORDER_EX_POOL 60        /* pool arenas; they take pages while held */
#define LOCK_ORDER_EX_SLABS 65       /* slabs without a block in use */
#define LOCK_ORDER_MM_STACK 68       /* stacks that wait for a thread */
#define LOCK_ORDER_MM_SECTION 69     /* pageable sections of images */
#define LOCK_ORDER_MM_PTE 70         /* windows of system addresses, the pools' too */
#define LOCK_ORDER_MM_PFN 80         /* free page lists */
#define LOCK_ORDER_EX_TIMER 85       /* an Ex timer; held while it is armed and cancelled */
#define LOCK_ORDER_MM_LOCKED 88      /* who has locked pages; takes no other */
#define LOCK_ORDER_EX_TRACE 89       /* stacks of the pools' and handles' users; takes no other */
#define LOCK_ORDER_DISPATCHER 90     /* KiDispatcherLock */
#define LOCK_ORDER_KE_VECTOR 95      /* a vector's service routines; nests by IRQL */
#define LOCK_ORDER_KE_DPC 100        /* a processor's DPC queue */
#define LOCK_ORDER_KE_TIME 105       /* the shared page's times */
#define LOCK_ORDER_HAL_INTERRUPT 110 /* I/O APIC, speaker */
#define LOCK_ORDER_OB_REFERENCE 115  /* what drivers refer to; at HIGH_LEVEL; takes no other */
#define LOCK_ORDER_KD_PRINT 120      /* debug output: taken last, at HIGH_LEVEL */

#endif
