// What is where in the arena.
#ifndef SIMBENCH_HARNESS_PLAN_H_
#define SIMBENCH_HARNESS_PLAN_H_

namespace simbench {

// Prints how much is used of either end of the arena as m-plan-head-N and m-plan-tail-N, and a line
// m-plan-[kind,number,offset,bytes] for each tensor (by its index) and each scratch buffer (by its
// layer's) in the head. The memory of the subgraphs that a layer calls is that layer's scratch.
void PrintArenaPlan();

}  // namespace simbench

#endif  // SIMBENCH_HARNESS_PLAN_H_
