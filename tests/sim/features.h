// What the core can do, found out by trying: a check whose part of the core is missing is not
// switched on, and the report says so.
#ifndef LLMQ_TESTS_SIM_FEATURES_H_
#define LLMQ_TESTS_SIM_FEATURES_H_

#include "core/limit/limit_spec.h"

namespace llmq::simulator {

struct Features {
  bool bucket = false;          // a declared bucket's burst bounds what starts at once
  bool paced = false;           // paced limits keep their distance
  bool quantised = false;       // slices are kept
  bool live_changes = false;    // ModelChanged changes limits
  bool unknown_charge = false;  // kUnknown holds the reservation until the end
  bool pools_wake = false;      // room in a pool made by one model is offered to the others

  bool enforces(core::Shape shape) const;
};
const Features& features();

}  // namespace llmq::simulator

#endif  // LLMQ_TESTS_SIM_FEATURES_H_
