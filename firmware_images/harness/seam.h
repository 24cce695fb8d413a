// The seam of MLPerf Tiny between the benchmark's protocol and the device: functions named th_*,
// as a port to real hardware would have them.
#ifndef SIMBENCH_HARNESS_SEAM_H_
#define SIMBENCH_HARNESS_SEAM_H_

#include <cstdarg>
#include <cstddef>

extern "C" {

void th_serialport_initialize(void);
void th_timestamp_initialize(void);
void th_final_initialize(void);

void th_timestamp(void);
void th_load_tensor(void);
void th_infer(void);
void th_results(void);
void th_pre(void);
void th_post(void);
void th_command_ready(char* command);

char th_getchar(void);

// Knows %s, %c, %d, %u, %x with zero padding and a width, an "l" that means nothing, and %0.3f.
void th_printf(const char* format, ...) __attribute__((format(printf, 1, 2)));
void th_vprintf(const char* format, va_list arguments);

}  // extern "C"

#endif  // SIMBENCH_HARNESS_SEAM_H_
