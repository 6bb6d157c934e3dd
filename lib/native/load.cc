// What happens when the binding is loaded: the kernels of the best instruction set that the processor has are registered,
// memory is kept in the heap, and running out of it becomes an error instead of the end of the process.
#include <malloc.h>
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

#ifdef __x86_64__
namespace avx2 {
void registerKernels();
}
namespace avx512 {
void registerKernels();
}
#else
namespace native {
void registerKernels();
}
#endif

namespace {

// CODE2LORA_KERNELS names the most that may be used: avx512, avx2, or none, which leaves TensorFlow's own ops. Afterwards
// it names what is.
void chooseKernels() {
  const char* most = std::getenv("CODE2LORA_KERNELS");
  auto asked = [&](const char* name) { return most && !std::strcmp(most, name); };
  const char* chosen = "none";
  if (!asked("none")) {
#ifdef __x86_64__
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
      chosen = "avx2";
      if (!asked("avx2") && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
          __builtin_cpu_supports("avx512vl")) {
        chosen = "avx512";
        avx512::registerKernels();
      } else {
        avx2::registerKernels();
      }
    }
#else
    chosen = "native";
    native::registerKernels();
#endif
  }
  setenv("CODE2LORA_KERNELS", chosen, 1);
}

/** Kilobytes of a line of /proc/meminfo; 0 where there is none. */
long memory(const char* name) {
  long found = 0;
  char line[256];
  if (FILE* file = std::fopen("/proc/meminfo", "r")) {
    while (!found && std::fgets(line, sizeof line, file))
      if (!std::strncmp(line, name, std::strlen(name))) found = std::strtol(line + std::strlen(name), nullptr, 10);
    std::fclose(file);
  }
  return found;
}

__attribute__((constructor)) void load() {
#ifdef __GLIBC__
  // A step allocates and frees the same large arrays over and over. glibc would give each back to the kernel and
  // fault it in again, which costs more than the arithmetic: keep them in the heap instead.
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
  mallopt(M_TOP_PAD, 64 << 20);
#endif
  // The system promises more memory than it has, and ends a process that uses it. No more than there is now: an allocation
  // then fails, and TensorFlow says which.
  rlimit limit;
  const long available = memory("MemAvailable:") + memory("SwapFree:");
  if (available && !getrlimit(RLIMIT_DATA, &limit)) {
    const rlim_t most = static_cast<rlim_t>(available) * 1024;
    if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > most) {
      limit.rlim_cur = most;
      setrlimit(RLIMIT_DATA, &limit);
    }
  }
  chooseKernels();
}

}  // namespace
