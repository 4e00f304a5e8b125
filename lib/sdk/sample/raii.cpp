// A driver in C++: memory by operator new, and locks that end with their block.
#include <ntddk.h>

// noexcept: without it the compiler takes for granted that there is memory, and runs the constructor
// at address 0.
void *operator new(size_t size, POOL_FLAGS flags, ULONG tag) noexcept
{
    return ExAllocatePool2(flags, size, tag);
}

void operator delete(void *memory, size_t) noexcept
{
    ExFreePool(memory);
}

// Constructors of global objects are not called by anybody in the kernel, so it has an Init.
class FastMutex {
  public:
    void Init() { ExInitializeFastMutex(&mutex); }
    void Lock() { ExAcquireFastMutex(&mutex); }
    void Unlock() { ExReleaseFastMutex(&mutex); }

  private:
    FAST_MUTEX mutex;
};

template <typename T> class Locker {
  public:
    explicit Locker(T &object) : lock(object) { lock.Lock(); }
    ~Locker() { lock.Unlock(); }

  private:
    T &lock;
};

class Counter {
  public:
    virtual ~Counter() { DbgPrint("raii: counted to %d\n", count); }
    virtual void Count() { count++; }

  private:
    int count = 40;
};

static FastMutex mutex;
static Counter *counter; // mutex

static int CountTo(int times)
{
    Locker<FastMutex> locker(mutex);
    for (int i = 0; i < times; i++) {
        counter->Count();
    }
    return KeGetCurrentIrql(); // the lock is given back after this
}

static VOID NTAPI Unload(PDRIVER_OBJECT)
{
    delete counter;
}

extern "C" NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING)
{
    mutex.Init();
    counter = new (POOL_FLAG_PAGED, 'iaaR') Counter;
    if (counter == nullptr) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    DbgPrint("raii: IRQL %d in the lock", CountTo(2));
    DbgPrint(", %d behind it\n", KeGetCurrentIrql());
    driver->DriverUnload = Unload;
    return STATUS_SUCCESS;
}
