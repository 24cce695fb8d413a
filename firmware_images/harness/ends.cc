#include "harness/ends.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "harness/config.h"
#include "harness/model.h"
#include "harness/protocol.h"
#include "harness/seam.h"

namespace simbench {
namespace {

constexpr uint8_t kSignBit = 0x80;  // between an int8 and the unsigned byte 128 above it

// One of the model's ends, with room for what the tensor points to.
struct End {
  using At = TfLiteTensor (*)(size_t, TfLiteAffineQuantization*);

  End(At at, size_t i) : tensor(at(i, &quantization)) {}
  End(const End&) = delete;

  TfLiteAffineQuantization quantization;
  TfLiteTensor tensor;
};

size_t Elements(const TfLiteTensor& tensor) {
  size_t elements = 1;
  for (int i = 0; i < tensor.dims->size; ++i) elements *= tensor.dims->data[i];
  return elements;
}

float Dequantize(const TfLiteTensor& tensor, int32_t element) {
  return static_cast<float>(element - tensor.params.zero_point) * tensor.params.scale;
}

// Element `index` of `tensor`, whose elements are at `bytes` (as aligned as they may be).
float RealElement(const TfLiteTensor& tensor, const void* bytes, size_t index) {
  const auto read = [bytes, index](auto value) {
    memcpy(&value, static_cast<const char*>(bytes) + index * sizeof(value), sizeof(value));
    return value;
  };
  switch (tensor.type) {
    case kTfLiteFloat32: return read(float());
    case kTfLiteInt8: return Dequantize(tensor, read(int8_t()));
    case kTfLiteUInt8: return Dequantize(tensor, read(uint8_t()));
    case kTfLiteInt16: return Dequantize(tensor, read(int16_t()));
    case kTfLiteInt32: return static_cast<float>(read(int32_t()));
    case kTfLiteInt64: return static_cast<float>(read(int64_t()));
    case kTfLiteBool: return read(uint8_t()) != 0 ? 1.0f : 0.0f;
    default: return std::numeric_limits<float>::quiet_NaN();
  }
}

template <typename T>
T Quantize(const TfLiteTensor& tensor, float value) {
  constexpr float kLowest = std::numeric_limits<T>::lowest(),
                  kHighest = std::numeric_limits<T>::max();
  const float element = roundf(value / tensor.params.scale) + tensor.params.zero_point;
  if (element != element) return static_cast<T>(tensor.params.zero_point);
  if (element >= kHighest) return std::numeric_limits<T>::max();
  if (element <= kLowest) return std::numeric_limits<T>::lowest();
  return static_cast<T>(element);
}

float WireFloat(const uint8_t* wire, size_t index) {
  float value;
  memcpy(&value, wire + index * sizeof(value), sizeof(value));
  return value;
}

template <typename T>
void QuantizeAll(const TfLiteTensor& tensor, const uint8_t* wire) {
  T* elements = static_cast<T*>(tensor.data.data);
  const size_t count = Elements(tensor);
  for (size_t i = 0; i < count; ++i) elements[i] = Quantize<T>(tensor, WireFloat(wire, i));
}

// How many bytes of the wire make up `tensor`.
size_t WireBytes(const TfLiteTensor& tensor) {
  switch (simbench_config.input_encoding) {
    case InputEncoding::kUint8: return Elements(tensor);
    case InputEncoding::kFloat32: return Elements(tensor) * sizeof(float);
    default: return tensor.bytes;
  }
}

bool IsAsOnWire(const TfLiteTensor& tensor) {
  switch (simbench_config.input_encoding) {
    case InputEncoding::kUint8: return tensor.type == kTfLiteUInt8 || tensor.type == kTfLiteBool;
    case InputEncoding::kFloat32: return tensor.type == kTfLiteFloat32;
    default: return true;
  }
}

void LoadTensor(const TfLiteTensor& tensor, const uint8_t* wire) {
  const bool is_float = simbench_config.input_encoding == InputEncoding::kFloat32;
  if (IsAsOnWire(tensor)) {
    memcpy(tensor.data.raw, wire, tensor.bytes);
  } else if (!is_float && tensor.type == kTfLiteInt8) {
    for (size_t i = 0; i < tensor.bytes; ++i) tensor.data.uint8[i] = wire[i] ^ kSignBit;
  } else if (is_float && tensor.type == kTfLiteInt8) {
    QuantizeAll<int8_t>(tensor, wire);
  } else if (is_float && tensor.type == kTfLiteUInt8) {
    QuantizeAll<uint8_t>(tensor, wire);
  } else if (is_float && tensor.type == kTfLiteInt16) {
    QuantizeAll<int16_t>(tensor, wire);
  } else {
    TF_LITE_REPORT_ERROR(&CurrentProblem(), "The input's encoding does not suit its type");
  }
}

// Element `index` of the input, as it came over the wire.
float RealInput(const TfLiteTensor& tensor, size_t index) {
  const uint8_t* wire = CurrentInput().bytes;
  const bool is_shifted = tensor.type == kTfLiteInt8;
  switch (simbench_config.input_encoding) {
    case InputEncoding::kUint8:
      return Dequantize(tensor,
                        is_shifted ? static_cast<int8_t>(wire[index] ^ kSignBit) : wire[index]);
    case InputEncoding::kFloat32: return WireFloat(wire, index);
    default: return RealElement(tensor, wire, index);
  }
}

}  // namespace

void LoadInputs() {
  size_t expected = 0;
  for (size_t i = 0; i < InputsSize(); ++i) expected += WireBytes(End(InputAt, i).tensor);
  const Input input = CurrentInput();
  if (input.size < expected) {
    TF_LITE_REPORT_ERROR(&CurrentProblem(), "Input db has %d bytes, expected %d",
                         static_cast<int>(input.size), static_cast<int>(expected));
    return;
  }
  const uint8_t* wire = input.bytes;
  for (size_t i = 0; i < InputsSize(); ++i) {
    const End end(InputAt, i);
    LoadTensor(end.tensor, wire);
    wire += WireBytes(end.tensor);
  }
}

void PrintOutputs() {
  const char* separator = "";
  for (size_t i = 0; i < OutputsSize(); ++i) {
    const End end(OutputAt, i);
    for (size_t j = 0; j < Elements(end.tensor); ++j) {
      th_printf("%s%0.3f", separator, RealElement(end.tensor, end.tensor.data.raw, j));
      separator = ",";
    }
  }
}

void PrintMeanSquaredError() {
  const End input(InputAt, 0);
  const End output(OutputAt, 0);
  const size_t inputs = Elements(input.tensor), outputs = Elements(output.tensor);
  const size_t elements = outputs < inputs ? outputs : inputs;
  float sum = 0;
  for (size_t i = 0; i < elements; ++i) {
    const float difference =
        RealElement(output.tensor, output.tensor.data.raw, i) - RealInput(input.tensor, i);
    sum += difference * difference;
  }
  th_printf("%0.3f", sum / elements);
}

void PrintOutputBytes() {
  th_printf("m-output-[");
  for (size_t i = 0; i < OutputsSize(); ++i) {
    const End end(OutputAt, i);
    for (size_t j = 0; j < end.tensor.bytes; ++j) th_printf("%02x", end.tensor.data.uint8[j]);
  }
  th_printf("]\r\n");
}

}  // namespace simbench
