// The logistic function and the hyperbolic tangent of int16, by a table.
#ifndef SIMBENCH_KERNELS_COMMON_GATES_H_
#define SIMBENCH_KERNELS_COMMON_GATES_H_

#include <cstdint>

namespace simbench {

// From elements to the table's steps, in parts of 2^9 (of 2^8 for the hyperbolic tangent, which is
// the logistic function of twice its input).
struct Gate {
  int32_t multiplier;
  int32_t shift;

  // Of elements whose scale is 2 to that power.
  static Gate OfPower(int power) {
    constexpr int kLeast = -12;
    return power >= kLeast ? Gate{3 << (power - kLeast), 0} : Gate{3, kLeast - power};
  }

  int32_t StepsOf(int32_t element) const {
    const int32_t half = shift > 0 ? 1 << (shift - 1) : 0;
    return (element * multiplier + half) >> shift;
  }
};

// In Q15.
int32_t LogisticOf(int32_t steps);
int32_t TanhOf(int32_t steps);

}  // namespace simbench

#endif  // SIMBENCH_KERNELS_COMMON_GATES_H_
