// Functions that do nothing but have an address, by which an emulator sees where a section begins
// and ends.
#ifndef SIMBENCH_HARNESS_MARKER_H_
#define SIMBENCH_HARNESS_MARKER_H_

// The comment in the assembly differs, so that the compiler cannot fold two markers into one.
#define SIMBENCH_MARKER(name)                                  \
  [[gnu::noinline, gnu::noclone, gnu::used]] void name(void) { \
    __asm__ volatile("@ " #name::: "memory");                  \
  }

#endif  // SIMBENCH_HARNESS_MARKER_H_
