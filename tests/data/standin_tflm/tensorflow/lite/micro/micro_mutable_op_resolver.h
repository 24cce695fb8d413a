// Part of a stand-in: see its README.md.
#pragma once

#include "tensorflow/lite/micro/compatibility.h"
#include "tensorflow/lite/micro/micro_op_resolver.h"

namespace tflite {

template <unsigned int kMost>
class MicroMutableOpResolver : public MicroOpResolver {
 public:
  bool Has(BuiltinOperator code) const override {
    for (unsigned int i = 0; i < size_; ++i) {
      if (codes_[i] == code) return true;
    }
    return false;
  }

  TfLiteStatus AddReshape() { return AddBuiltin(BuiltinOperator_RESHAPE); }

 private:
  TfLiteStatus AddBuiltin(BuiltinOperator code) {
    codes_[size_++] = code;
    return kTfLiteOk;
  }

  BuiltinOperator codes_[kMost] = {};
  unsigned int size_ = 0;

  TF_LITE_REMOVE_VIRTUAL_DELETE
};

}  // namespace tflite
