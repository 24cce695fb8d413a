// Part of a stand-in: see its README.md.
#pragma once

#include "tensorflow/lite/c/common.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace tflite {

class MicroOpResolver {
 public:
  virtual ~MicroOpResolver() {}
  virtual bool Has(BuiltinOperator code) const = 0;
};

}  // namespace tflite
