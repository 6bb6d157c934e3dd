// What happens when the binding is loaded: the kernels of the best instruction set that the processor has are registered,
// memory is kept in the heap, and running out of it becomes an error instead of the end of the process.
#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>

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

/** The number that follows `name` at the beginning of a line; -1 where no line has it, or another word follows. */
long valueIn(const std::string& path, const char* name = "") {
  long found = -1;
  char line[256], *end;
  if (FILE* file = std::fopen(path.c_str(), "r")) {
    while (found < 0 && std::fgets(line, sizeof line, file)) {
      if (std::strncmp(line, name, std::strlen(name))) continue;
      const long value = std::strtol(line + std::strlen(name), &end, 10);
      if (end != line + std::strlen(name)) found = value;
    }
    std::fclose(file);
  }
  return found;
}

/** Bytes that a control group (a container, a job of a cluster) leaves to this process; `most` where there is no limit. */
long leftInGroup(long most) {
  struct Kind { std::string folder, limit, used, cache; };
  const Kind v2{"/sys/fs/cgroup", "/memory.max", "/memory.current", "inactive_file "};
  const Kind v1{"/sys/fs/cgroup/memory", "/memory.limit_in_bytes", "/memory.usage_in_bytes", "total_inactive_file "};
  char line[4096];
  FILE* file = std::fopen("/proc/self/cgroup", "r");
  if (!file) return most;
  while (std::fgets(line, sizeof line, file)) {
    const Kind* kind = !std::strncmp(line, "0::", 3) ? &v2 : std::strstr(line, ":memory:") ? &v1 : nullptr;
    if (!kind) continue;
    std::string path = std::strchr(std::strchr(line, ':') + 1, ':') + 1;
    path.erase(path.find_last_not_of("\n/") + 1);
    // Its own and all above: in a container the folder may be the group itself, whatever its name.
    for (;; path.erase(path.rfind('/'))) {
      const std::string group = kind->folder + path;
      const long limit = valueIn(group + kind->limit), used = valueIn(group + kind->used);
      // What was read from files counts as used there, and is given up when room is needed.
      if (limit >= 0 && used >= 0) most = std::min(most, limit - used + std::max(0L, valueIn(group + "/memory.stat", kind->cache.c_str())));
      if (path.empty()) break;
    }
  }
  std::fclose(file);
  return std::max(most, 0L);
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
  const long available = valueIn("/proc/meminfo", "MemAvailable:"), swap = valueIn("/proc/meminfo", "SwapFree:");
  if (available > 0 && !getrlimit(RLIMIT_DATA, &limit)) {
    const rlim_t most = static_cast<rlim_t>(leftInGroup((available + std::max(0L, swap)) * 1024));
    if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > most) {
      limit.rlim_cur = most;
      setrlimit(RLIMIT_DATA, &limit);
    }
  }
  chooseKernels();
}

}  // namespace
