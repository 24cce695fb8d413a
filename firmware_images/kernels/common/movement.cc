// Operators that move elements and compute nothing.
#include <cmath>
#include <cstring>

#include "kernels/common/copy.h"
#include "kernels/common/node.h"

namespace simbench {
namespace {

// An element of a constant or computed tensor of indices.
int32_t IndexAt(const TfLiteTensor* tensor, int32_t i) {
  switch (tensor->type) {
    case kTfLiteInt64: return static_cast<int32_t>(tensor->data.i64[i]);
    case kTfLiteInt16: return tensor->data.i16[i];
    case kTfLiteUInt8: return tensor->data.uint8[i];
    case kTfLiteInt8: return tensor->data.int8[i];
    default: return tensor->data.i32[i];
  }
}

int32_t CountOf(const TfLiteTensor* tensor) { return tflite::NumElements(tensor); }

// `axis` counted from the front, or -1 where there is no such one.
int FromFront(int axis, int rank) {
  const int from_front = axis < 0 ? axis + rank : axis;
  return from_front < rank ? from_front : -1;
}

// What most of these operators have: an input, an output, one size of element.
struct Move {
  const TfLiteTensor* input;
  TfLiteTensor* output;
  Shape from;
  Shape to;
  size_t bytes;  // of an element

  explicit Move(const Node& node, int data = 0)
      : input(node.input(data)),
        output(node.output()),
        from(ShapeOf(input)),
        to(ShapeOf(output)),
        bytes(ElementBytes(input->type)) {}

  bool CanRun() const {
    return bytes != 0 && output->type == input->type && from.rank == input->dims->size &&
           to.rank == output->dims->size;
  }
};

// The tensor's zero, which pads.
uint32_t ZeroOf(const TfLiteTensor* tensor) {
  const bool is_quantized = tensor->type != kTfLiteFloat32 && tensor->type != kTfLiteInt64;
  return is_quantized ? static_cast<uint32_t>(tensor->params.zero_point) : 0;
}

void FillWithZero(TfLiteTensor* tensor) {
  const uint64_t zero = ZeroOf(tensor);
  Fill(tensor->data.raw, &zero, CountOf(tensor), ElementBytes(tensor->type));
}

TfLiteStatus CopyAll(const Node& node) {
  const TfLiteTensor* input = node.input(0);
  if (input->bytes != node.output()->bytes) return node.Refuse("has an output of another size");
  memmove(node.output()->data.raw, input->data.raw, input->bytes);
  return kTfLiteOk;
}

TfLiteStatus Transpose(const Node& node) {
  const Move move(node);
  const TfLiteTensor* order = node.input(1);
  if (!move.CanRun() || CountOf(order) != move.from.rank) return RefuseType(node);
  Walk walk;
  for (int i = 0; i < move.from.rank; ++i) {
    const int axis = FromFront(IndexAt(order, i), move.from.rank);
    if (axis < 0 || move.from.size[axis] != move.to.size[i])
      return node.Refuse("has an impossible order");
    walk.Add(move.to.size[i], move.to.stride[i], move.from.stride[axis]);
  }
  Copy(walk, move.output->data.raw, move.input->data.raw, move.bytes);
  return kTfLiteOk;
}

TfLiteStatus Slice(const Node& node) {
  const Move move(node);
  const TfLiteTensor* begin = node.input(1);
  if (!move.CanRun() || CountOf(begin) != move.from.rank) return RefuseType(node);
  Walk walk;
  int32_t first = 0;
  for (int i = 0; i < move.from.rank; ++i) {
    const int32_t at = IndexAt(begin, i);
    if (at < 0 || at + move.to.size[i] > move.from.size[i])
      return node.Refuse("slices beyond its input");
    first += at * move.from.stride[i];
    walk.Add(move.to.size[i], move.to.stride[i], move.from.stride[i]);
  }
  Copy(walk, move.output->data.raw, move.input->data.raw + first * move.bytes, move.bytes);
  return kTfLiteOk;
}

// Masks of STRIDED_SLICE: bit i is of entry i of its specification.
struct SliceMasks {
  int begin, end, ellipsis, new_axis, shrink;
  bool is_offset;  // ends are counted from the begins

  explicit SliceMasks(const Node& node)
      : begin(node.Option<int32_t>(0, 0)),
        end(node.Option<int32_t>(1, 0)),
        ellipsis(node.Option<int32_t>(2, 0)),
        new_axis(node.Option<int32_t>(3, 0)),
        shrink(node.Option<int32_t>(4, 0)),
        is_offset(node.Option<uint8_t>(5, 0) != 0) {}
};

int32_t Clamp(int32_t value, int32_t low, int32_t high) {
  return value < low ? low : value > high ? high : value;
}

// Where a slice of a dimension of `size` starts, and how many elements it takes.
struct Range {
  int32_t start, count;

  Range(const Node& node, const SliceMasks& masks, int entry, int32_t size, int32_t step) {
    const int bit = 1 << entry;
    const int32_t begin = IndexAt(node.input(1), entry);
    const int32_t low = step > 0 ? 0 : -1, high = step > 0 ? size : size - 1;
    start = masks.begin & bit ? (step > 0 ? 0 : size - 1)
                              : Clamp(begin < 0 ? begin + size : begin, low, high);
    int32_t end = IndexAt(node.input(2), entry);
    if (masks.is_offset) end += begin;
    end = masks.end & bit ? (step > 0 ? size : -1)
                          : Clamp(!masks.is_offset && end < 0 ? end + size : end, low, high);
    const int32_t span = step > 0 ? end - start : start - end, width = step > 0 ? step : -step;
    count = span <= 0 ? 0 : (span + width - 1) / width;
    if (masks.shrink & bit) count = 1;
  }
};

TfLiteStatus StridedSlice(const Node& node) {
  const Move move(node);
  const SliceMasks masks(node);
  if (!move.CanRun()) return RefuseType(node);
  const int entries = CountOf(node.input(1));
  int named = 0;  // dimensions that have an entry of their own
  for (int i = 0; i < entries; ++i) named += !((masks.ellipsis | masks.new_axis) >> i & 1);
  if (named > move.from.rank) return node.Refuse("slices more dimensions than its input has");
  Walk walk;
  int32_t first = 0, taken = 1, stride = move.to.Elements();
  int axis = 0;
  const auto take = [&](int32_t start, int32_t count, int32_t step) {
    first += start * move.from.stride[axis];
    taken *= count;
    stride = count == 0 ? 0 : stride / count;
    walk.Add(count, stride, step * move.from.stride[axis++]);
  };
  for (int i = 0; i < entries; ++i) {
    if (masks.ellipsis >> i & 1) {
      for (int left = move.from.rank - named; left > 0; --left) take(0, move.from.size[axis], 1);
      named = move.from.rank;
    } else if (!(masks.new_axis >> i & 1)) {
      const int32_t step = IndexAt(node.input(3), i);
      if (step == 0) return node.Refuse("has a stride of 0");
      const Range range(node, masks, i, move.from.size[axis], step);
      take(range.start, range.count, step);
    }
  }
  while (axis < move.from.rank) take(0, move.from.size[axis], 1);
  if (taken != move.to.Elements()) return node.Refuse("has an output of another size");
  Copy(walk, move.output->data.raw, move.input->data.raw + first * static_cast<int>(move.bytes),
       move.bytes);
  return kTfLiteOk;
}

// A tensor seen along one axis: `outer` times a run of `inner` elements for each entry of the axis.
struct Along {
  int32_t outer = 1, entries, inner = 1;

  Along(const Shape& shape, int axis) : entries(axis < shape.rank ? shape.size[axis] : 1) {
    for (int i = 0; i < axis; ++i) outer *= shape.size[i];
    for (int i = axis + 1; i < shape.rank; ++i) inner *= shape.size[i];
  }
};

// Parts that lie side by side along the axis of a whole, each with its own `inner` elements an
// outer turn: joining copies from them, splitting to them.
void CopyPart(char* whole, char* part, int32_t outer, int32_t whole_row, int32_t part_row,
              size_t bytes, bool joins) {
  constexpr size_t kRun = 16;  // bytes from which on a call for each row is quicker than a walk
  const int32_t to_row = joins ? whole_row : part_row, from_row = joins ? part_row : whole_row;
  char* to = joins ? whole : part;
  const char* from = joins ? part : whole;
  if (outer == 1 || part_row * bytes >= kRun) {
    for (; outer > 0; --outer, to += to_row * bytes, from += from_row * bytes)
      memcpy(to, from, part_row * bytes);
    return;
  }
  Walk walk;
  walk.Add(outer, to_row, from_row);
  walk.Add(part_row, 1, 1);
  Copy(walk, to, from, bytes);
}

TfLiteStatus SplitAlong(const Node& node, const TfLiteTensor* input, int axis) {
  const Shape shape = ShapeOf(input);
  const size_t bytes = ElementBytes(input->type);
  if (bytes == 0 || shape.rank != input->dims->size) return RefuseType(node);
  axis = FromFront(axis, shape.rank);
  if (axis < 0) return node.Refuse("has an axis that is not there");
  const Along along(shape, axis);
  char* whole = input->data.raw;
  for (int i = 0; i < node.outputs(); ++i) {
    TfLiteTensor* part = node.output(i);
    const int32_t row = CountOf(part) / along.outer;
    CopyPart(whole, part->data.raw, along.outer, along.entries * along.inner, row, bytes, false);
    whole += row * bytes;
  }
  return whole == input->data.raw + along.entries * along.inner * bytes
             ? kTfLiteOk
             : node.Refuse("has outputs that do not make up its input");
}

TfLiteStatus Split(const Node& node) {
  return SplitAlong(node, node.input(1), IndexAt(node.input(0), 0));
}

TfLiteStatus SplitV(const Node& node) {
  return SplitAlong(node, node.input(0), IndexAt(node.input(2), 0));
}

TfLiteStatus Unpack(const Node& node) {
  return SplitAlong(node, node.input(0), node.Option<int32_t>(1, 0));
}

TfLiteStatus JoinAlong(const Node& node, int axis) {
  TfLiteTensor* output = node.output();
  const Shape shape = ShapeOf(output);
  const size_t bytes = ElementBytes(output->type);
  if (bytes == 0 || shape.rank != output->dims->size) return RefuseType(node);
  axis = FromFront(axis, shape.rank);
  if (axis < 0) return node.Refuse("has an axis that is not there");
  const Along along(shape, axis);
  char* whole = output->data.raw;
  for (int i = 0; i < node.inputs(); ++i) {
    const TfLiteTensor* part = node.input(i);
    const int32_t row = CountOf(part) / along.outer;
    CopyPart(whole, part->data.raw, along.outer, along.entries * along.inner, row, bytes, true);
    whole += row * bytes;
  }
  return whole == output->data.raw + along.entries * along.inner * bytes
             ? kTfLiteOk
             : node.Refuse("has inputs that do not make up its output");
}

// From the part's scale to the whole's: uint8 alone may have several.
void RescalePart(const Node& node, const TfLiteTensor* part, int axis, int32_t first) {
  TfLiteTensor* whole = node.output();
  const float scale = part->params.scale * (1.0f / whole->params.scale);
  const float bias = -part->params.zero_point * scale;
  const Along along(ShapeOf(whole), axis);
  const int32_t row = CountOf(part) / along.outer;
  for (int32_t i = 0; i < along.outer; ++i) {
    uint8_t* element = whole->data.uint8 + i * along.entries * along.inner + first;
    for (int32_t left = row; left > 0; --left, ++element) {
      const float value = roundf(*element * scale + bias) + whole->params.zero_point;
      *element = static_cast<uint8_t>(value < 0 ? 0 : value > 255 ? 255 : value);
    }
  }
}

TfLiteStatus Concatenation(const Node& node) {
  const TfLiteTensor* output = node.output();
  const int axis = FromFront(node.Option<int32_t>(0, 0), output->dims->size);
  const TfLiteStatus joined = JoinAlong(node, axis);
  int32_t first = 0;
  for (int i = 0; joined == kTfLiteOk && i < node.inputs(); ++i) {
    const TfLiteTensor* part = node.input(i);
    if (part->type != output->type) return RefuseType(node);
    const bool is_same = part->params.scale == output->params.scale &&
                         part->params.zero_point == output->params.zero_point;
    if (!is_same && output->type == kTfLiteUInt8) RescalePart(node, part, axis, first);
    if (!is_same && output->type != kTfLiteUInt8)
      return node.Refuse("joins tensors of different scales");
    first += CountOf(part) / Along(ShapeOf(output), axis).outer;
  }
  return joined;
}

TfLiteStatus Pack(const Node& node) { return JoinAlong(node, node.Option<int32_t>(1, 0)); }

// Where the input lies in the padded output; false where the two do not fit.
bool Placed(const Move& move, const TfLiteTensor* amounts, int32_t* first) {
  *first = 0;
  for (int i = 0; i < move.from.rank; ++i) {
    const int32_t before = IndexAt(amounts, 2 * i), after = IndexAt(amounts, 2 * i + 1);
    if (before < 0 || after < 0 || before + move.from.size[i] + after != move.to.size[i])
      return false;
    *first += before * move.to.stride[i];
  }
  return true;
}

TfLiteStatus Pad(const Node& node) {
  const Move move(node);
  int32_t first;
  if (!move.CanRun() || CountOf(node.input(1)) != 2 * move.from.rank ||
      move.from.rank != move.to.rank) {
    return RefuseType(node);
  }
  if (!Placed(move, node.input(1), &first)) return node.Refuse("has an output of another size");
  const TfLiteTensor* value = node.input(2);
  if (value == nullptr) {
    FillWithZero(move.output);
  } else {
    Fill(move.output->data.raw, value->data.raw, move.to.Elements(), move.bytes);
  }
  Walk walk;
  for (int i = 0; i < move.from.rank; ++i)
    walk.Add(move.from.size[i], move.to.stride[i], move.from.stride[i]);
  Copy(walk, move.output->data.raw + first * move.bytes, move.input->data.raw, move.bytes);
  return kTfLiteOk;
}

// Mirrored, the input and what is beside it are at most three pieces along each dimension.
struct Piece { int32_t to, from, count, step; };

int Pieces(int32_t before, int32_t size, int32_t after, int32_t edge, Piece* pieces) {
  int count = 0;
  if (before > 0) pieces[count++] = {0, before - 1 + edge, before, -1};
  pieces[count++] = {before, 0, size, 1};
  if (after > 0) pieces[count++] = {before + size, size - 1 - edge, after, -1};
  return count;
}

TfLiteStatus MirrorPad(const Node& node) {
  const Move move(node);
  const TfLiteTensor* amounts = node.input(1);
  int32_t unused;
  if (!move.CanRun() || move.from.rank != move.to.rank) return RefuseType(node);
  if (!Placed(move, amounts, &unused)) return node.Refuse("has an output of another size");
  const int32_t edge = node.Option<int8_t>(0, 0) == 0;  // REFLECT leaves the edge itself out
  Piece pieces[kMostDims][3];
  int counts[kMostDims], at[kMostDims] = {};
  for (int i = 0; i < move.from.rank; ++i) {
    const int32_t before = IndexAt(amounts, 2 * i), after = IndexAt(amounts, 2 * i + 1);
    const int32_t most = move.from.size[i] - edge;
    if (before > most || after > most) return node.Refuse("mirrors more than its input has");
    counts[i] = Pieces(before, move.from.size[i], after, edge, pieces[i]);
  }
  for (;;) {
    Walk walk;
    int32_t to = 0, from = 0;
    for (int i = 0; i < move.from.rank; ++i) {
      const Piece& piece = pieces[i][at[i]];
      to += piece.to * move.to.stride[i];
      from += piece.from * move.from.stride[i];
      walk.Add(piece.count, move.to.stride[i], piece.step * move.from.stride[i]);
    }
    Copy(walk, move.output->data.raw + to * move.bytes, move.input->data.raw + from * move.bytes,
         move.bytes);
    int i = move.from.rank - 1;
    for (; i >= 0 && ++at[i] == counts[i]; --i) at[i] = 0;
    if (i < 0) return kTfLiteOk;
  }
}

TfLiteStatus Tile(const Node& node) {
  const Move move(node);
  if (!move.CanRun() || CountOf(node.input(1)) != move.from.rank) return RefuseType(node);
  Walk walk;
  for (int i = 0; i < move.from.rank; ++i) {
    const int32_t times = IndexAt(node.input(1), i);
    if (times * move.from.size[i] != move.to.size[i])
      return node.Refuse("has an output of another size");
    walk.Add(times, move.from.size[i] * move.to.stride[i], 0);
    walk.Add(move.from.size[i], move.to.stride[i], move.from.stride[i]);
  }
  Copy(walk, move.output->data.raw, move.input->data.raw, move.bytes);
  return kTfLiteOk;
}

// Strides of `tensor` as it is repeated to `shape`; false where it cannot be.
bool RepeatedStrides(const TfLiteTensor* tensor, const Shape& shape, int32_t* strides) {
  if (tensor->dims->size > shape.rank) return false;
  const Shape own = ShapeOf(tensor, shape.rank);
  for (int i = 0; i < shape.rank; ++i) {
    if (own.size[i] != shape.size[i] && own.size[i] != 1) return false;
    strides[i] = own.size[i] == 1 ? 0 : own.stride[i];
  }
  return true;
}

TfLiteStatus BroadcastTo(const Node& node) {
  const Move move(node);
  int32_t strides[kMostDims];
  if (!move.CanRun()) return RefuseType(node);
  if (!RepeatedStrides(move.input, move.to, strides))
    return node.Refuse("has an output of another size");
  Walk walk;
  for (int i = 0; i < move.to.rank; ++i) walk.Add(move.to.size[i], move.to.stride[i], strides[i]);
  Copy(walk, move.output->data.raw, move.input->data.raw, move.bytes);
  return kTfLiteOk;
}

TfLiteStatus Reverse(const Node& node) {
  const Move move(node);
  if (!move.CanRun() || move.input->bytes != move.output->bytes) return RefuseType(node);
  int reversed = 0;
  for (int i = 0; i < CountOf(node.input(1)); ++i) {
    const int axis = FromFront(IndexAt(node.input(1), i), move.from.rank);
    if (axis < 0) return node.Refuse("has an axis that is not there");
    reversed |= 1 << axis;
  }
  Walk walk;
  int32_t first = 0;
  for (int i = 0; i < move.from.rank; ++i) {
    const bool backwards = reversed >> i & 1;
    if (backwards) first += (move.from.size[i] - 1) * move.from.stride[i];
    walk.Add(move.from.size[i], move.to.stride[i],
             backwards ? -move.from.stride[i] : move.from.stride[i]);
  }
  Copy(walk, move.output->data.raw, move.input->data.raw + first * move.bytes, move.bytes);
  return kTfLiteOk;
}

TfLiteStatus Gather(const Node& node) {
  const Move move(node);
  const TfLiteTensor* places = node.input(1);
  if (!move.CanRun()) return RefuseType(node);
  const int batch_dims = node.Option<int32_t>(1, 0);
  const int batches_of_places = batch_dims < 0 ? batch_dims + places->dims->size : batch_dims;
  const int axis = FromFront(node.Option<int32_t>(0, 0), move.from.rank);
  if (axis < batches_of_places || batches_of_places < 0)
    return node.Refuse("has an axis that is not there");
  int32_t batches = 1;
  for (int i = 0; i < batches_of_places; ++i) batches *= move.from.size[i];
  const Along along(move.from, axis);
  const int32_t outer = along.outer / batches, count = CountOf(places) / batches;
  if (batches * outer * count * along.inner != move.to.Elements())
    return node.Refuse("has an output of another size");
  const size_t run = along.inner * move.bytes;
  for (int32_t batch = 0; batch < batches; ++batch) {
    for (int32_t i = 0; i < count; ++i) {
      const int32_t place = IndexAt(places, batch * count + i);
      if (place < 0 || place >= along.entries) return node.Refuse("gathers beyond its input");
      Walk walk;
      walk.Add(outer, count * along.inner, along.entries * along.inner);
      walk.Add(along.inner, 1, 1);
      Copy(walk, move.output->data.raw + (batch * outer * count + i) * run,
           move.input->data.raw + (batch * outer * along.entries + place) * run, move.bytes);
    }
  }
  return kTfLiteOk;
}

// Rows of a table, by their places in it; of int8 with a scale also as real values.
TfLiteStatus EmbeddingLookup(const Node& node) {
  const TfLiteTensor* places = node.input(0);
  const TfLiteTensor* table = node.input(1);
  TfLiteTensor* output = node.output();
  const bool is_hybrid = table->type == kTfLiteInt8 && output->type == kTfLiteFloat32;
  const size_t bytes = ElementBytes(table->type);
  if (places->type != kTfLiteInt32 || bytes == 0 || table->dims->size < 2 ||
      (table->type != output->type && !is_hybrid))
    return RefuseType(node);
  const int32_t rows = table->dims->data[0], run = rows == 0 ? 0 : CountOf(table) / rows;
  const int32_t count = CountOf(places);
  if (count * run != CountOf(output)) return node.Refuse("has an output of another size");
  for (int32_t i = 0; i < count; ++i) {
    const int32_t place = places->data.i32[i];
    if (place < 0 || place >= rows) return node.Refuse("looks up beyond its table");
    if (!is_hybrid) {
      memcpy(output->data.raw + i * run * bytes, table->data.raw + place * run * bytes,
             run * bytes);
      continue;
    }
    for (int32_t j = 0; j < run; ++j) {
      output->data.f[i * run + j] =
          static_cast<float>(table->data.int8[place * run + j]) * table->params.scale;
    }
  }
  return kTfLiteOk;
}

TfLiteStatus GatherNd(const Node& node) {
  const Move move(node);
  const TfLiteTensor* places = node.input(1);
  const int depth = places->dims->size == 0 ? 0 : places->dims->data[places->dims->size - 1];
  if (!move.CanRun() || depth < 1 || depth > move.from.rank) return RefuseType(node);
  const int32_t run = move.from.stride[depth - 1] * static_cast<int32_t>(move.bytes);
  const int32_t count = CountOf(places) / depth;
  if (static_cast<size_t>(count * run) != move.output->bytes)
    return node.Refuse("has an output of another size");
  for (int32_t i = 0; i < count; ++i) {
    int32_t from = 0;
    for (int j = 0; j < depth; ++j) {
      const int32_t place = IndexAt(places, i * depth + j);
      if (place < 0 || place >= move.from.size[j]) return node.Refuse("gathers beyond its input");
      from += place * move.from.stride[j];
    }
    memcpy(move.output->data.raw + i * run, move.input->data.raw + from * move.bytes, run);
  }
  return kTfLiteOk;
}

// The six loops of both: batch, row, column of blocks; row and column within one; channel.
TfLiteStatus MoveDepth(const Node& node, bool to_depth) {
  const Move move(node);
  const int32_t block = node.Option<int32_t>(0, 0);
  if (!move.CanRun() || move.from.rank != 4 || move.to.rank != 4 || block < 1)
    return RefuseType(node);
  const Shape& flat = to_depth ? move.from : move.to;  // the one with the larger picture
  const Shape& deep = to_depth ? move.to : move.from;
  if (flat.size[1] != deep.size[1] * block || flat.size[2] != deep.size[2] * block ||
      deep.size[3] != flat.size[3] * block * block) {
    return node.Refuse("has an output of another size");
  }
  Walk walk;
  const auto add = [&walk, to_depth](int32_t size, int32_t of_flat, int32_t of_deep) {
    walk.Add(size, to_depth ? of_deep : of_flat, to_depth ? of_flat : of_deep);
  };
  add(flat.size[0], flat.stride[0], deep.stride[0]);
  add(deep.size[1], block * flat.stride[1], deep.stride[1]);
  add(deep.size[2], block * flat.stride[2], deep.stride[2]);
  add(block, flat.stride[1], block * flat.size[3]);
  add(block, flat.stride[2], flat.size[3]);
  add(flat.size[3], 1, 1);
  Copy(walk, move.output->data.raw, move.input->data.raw, move.bytes);
  return kTfLiteOk;
}

TfLiteStatus SpaceToDepth(const Node& node) { return MoveDepth(node, true); }
TfLiteStatus DepthToSpace(const Node& node) { return MoveDepth(node, false); }

// Along one dimension, which entries of a picture belong to the batch of pictures with this offset
// in the blocks: the picture's entry for the batch's `first` one, and `count` of them.
struct Inside {
  int32_t first, picture, count;

  Inside(int32_t offset, int32_t block, int32_t before, int32_t picture_size, int32_t batch_size) {
    const int32_t short_of = before - offset;
    first = short_of <= 0 ? 0 : (short_of + block - 1) / block;
    picture = first * block + offset - before;
    const int32_t fit = picture >= picture_size ? 0 : (picture_size - picture + block - 1) / block;
    count = fit < batch_size - first ? fit : batch_size - first;
  }
};

// A picture and the batch of smaller ones that it is dealt out to, padded; or back, cropped.
TfLiteStatus MoveBatches(const Node& node, bool to_batches) {
  const Move move(node);
  const int spatial = CountOf(node.input(1));
  if (!move.CanRun() || spatial < 1 || spatial > 2 || move.from.rank < spatial + 1 ||
      move.to.rank != move.from.rank) {
    return RefuseType(node);
  }
  const Shape& whole = to_batches ? move.from : move.to;
  const Shape& dealt = to_batches ? move.to : move.from;
  int32_t block[2] = {1, 1}, before[2] = {0, 0}, size[2] = {1, 1}, small[2] = {1, 1};
  int32_t whole_stride[2] = {0, 0}, dealt_stride[2] = {0, 0};
  for (int i = 0; i < spatial; ++i) {
    block[i] = IndexAt(node.input(1), i);
    before[i] = IndexAt(node.input(2), 2 * i);
    size[i] = whole.size[1 + i];
    small[i] = dealt.size[1 + i];
    whole_stride[i] = whole.stride[1 + i];
    dealt_stride[i] = dealt.stride[1 + i];
    if (block[i] < 1 || before[i] < 0 || before[i] + size[i] > block[i] * small[i])
      return node.Refuse("has blocks of another size");
  }
  if (dealt.size[0] != whole.size[0] * block[0] * block[1])
    return node.Refuse("has an output of another size");
  if (to_batches) FillWithZero(move.output);
  for (int32_t offset = 0; offset < block[0] * block[1]; ++offset) {
    const int32_t row = offset / block[1], column = offset % block[1];
    const Inside rows(row, block[0], before[0], size[0], small[0]);
    const Inside columns(column, block[1], before[1], size[1], small[1]);
    const int32_t of_whole = rows.picture * whole_stride[0] + columns.picture * whole_stride[1];
    const int32_t of_dealt = offset * whole.size[0] * dealt.stride[0] +
                             rows.first * dealt_stride[0] + columns.first * dealt_stride[1];
    Walk walk;
    const auto add = [&walk, to_batches](int32_t count, int32_t step_whole, int32_t step_dealt) {
      walk.Add(count, to_batches ? step_dealt : step_whole, to_batches ? step_whole : step_dealt);
    };
    add(whole.size[0], whole.stride[0], dealt.stride[0]);
    add(rows.count, block[0] * whole_stride[0], dealt_stride[0]);
    add(columns.count, block[1] * whole_stride[1], dealt_stride[1]);
    add(whole.stride[spatial], 1, 1);
    const int32_t to = to_batches ? of_dealt : of_whole, from = to_batches ? of_whole : of_dealt;
    Copy(walk, move.output->data.raw + to * static_cast<int>(move.bytes),
         move.input->data.raw + from * static_cast<int>(move.bytes), move.bytes);
  }
  return kTfLiteOk;
}

TfLiteStatus SpaceToBatch(const Node& node) { return MoveBatches(node, true); }
TfLiteStatus BatchToSpace(const Node& node) { return MoveBatches(node, false); }

template <typename T>
void SelectRow(T* to, const bool* which, const T* yes, const T* no, int32_t count,
               int32_t which_step, int32_t yes_step, int32_t no_step) {
  for (; count > 0; --count, which += which_step, yes += yes_step, no += no_step) {
    *to++ = *which ? *yes : *no;
  }
}

TfLiteStatus Select(const Node& node) {
  const TfLiteTensor* inputs[] = {node.input(0), node.input(1), node.input(2)};
  TfLiteTensor* output = node.output();
  const size_t bytes = ElementBytes(output->type);
  const Shape shape = ShapeOf(output);
  if (bytes == 0 || bytes == 8 || inputs[0]->type != kTfLiteBool ||
      shape.rank != output->dims->size)
    return RefuseType(node);
  int32_t strides[3][kMostDims] = {};
  // the older SELECT takes a condition for each entry of the first dimension
  const bool is_by_entry =
      inputs[0]->dims->size == 1 && shape.rank > 1 && inputs[1]->bytes == output->bytes &&
      inputs[0]->dims->data[0] == shape.size[0] && shape.size[0] != shape.size[shape.rank - 1];
  if (is_by_entry) strides[0][0] = 1;
  for (int i = is_by_entry; i < 3; ++i) {
    if (!RepeatedStrides(inputs[i], shape, strides[i]))
      return node.Refuse("has inputs that do not fit together");
  }
  const int inner = shape.rank - 1;
  const int32_t row = shape.rank == 0 ? 1 : shape.size[inner];
  const int32_t total = shape.Elements();
  for (int32_t at = 0; at < total; at += row) {
    int32_t rest = at, from[3] = {};
    for (int i = inner - 1; i >= 0 && rest > 0; --i) {
      const int32_t index = at / shape.stride[i] % shape.size[i];
      for (int j = 0; j < 3; ++j) from[j] += index * strides[j][i];
    }
    const auto run = [&](auto element) {
      using T = decltype(element);
      const int last = shape.rank == 0 ? 0 : inner;
      SelectRow(reinterpret_cast<T*>(output->data.raw) + at, inputs[0]->data.b + from[0],
                reinterpret_cast<const T*>(inputs[1]->data.raw) + from[1],
                reinterpret_cast<const T*>(inputs[2]->data.raw) + from[2], row, strides[0][last],
                strides[1][last], strides[2][last]);
    };
    if (bytes == 1) run(uint8_t());
    if (bytes == 2) run(uint16_t());
    if (bytes == 4) run(uint32_t());
  }
  return kTfLiteOk;
}

void StoreIndex(TfLiteTensor* tensor, int32_t i, int32_t value) {
  if (tensor->type == kTfLiteInt64) {
    tensor->data.i64[i] = value;
  } else {
    tensor->data.i32[i] = value;
  }
}

TfLiteStatus StoreShape(const Node& node) {
  const TfLiteIntArray* dims = node.input(0)->dims;
  for (int i = 0; i < dims->size; ++i) StoreIndex(node.output(), i, dims->data[i]);
  return kTfLiteOk;
}

// The shape that two shapes are repeated to.
TfLiteStatus BroadcastArgs(const Node& node) {
  const TfLiteTensor* a = node.input(0);
  const TfLiteTensor* b = node.input(1);
  const int32_t rank = CountOf(node.output());
  for (int32_t i = 0; i < rank; ++i) {
    const int32_t from_a = i - (rank - CountOf(a)), from_b = i - (rank - CountOf(b));
    const int32_t left = from_a < 0 ? 1 : IndexAt(a, from_a);
    const int32_t right = from_b < 0 ? 1 : IndexAt(b, from_b);
    StoreIndex(node.output(), i, left == 1 ? right : left);
  }
  return kTfLiteOk;
}

TfLiteStatus StoreRank(const Node& node) {
  StoreIndex(node.output(), 0, node.input(0)->dims->size);
  return kTfLiteOk;
}

TfLiteStatus FillAll(const Node& node) {
  TfLiteTensor* output = node.output();
  const size_t bytes = ElementBytes(output->type);
  if (bytes == 0 || node.input(1)->type != output->type) return RefuseType(node);
  Fill(output->data.raw, node.input(1)->data.raw, CountOf(output), bytes);
  return kTfLiteOk;
}

TfLiteStatus ZerosLike(const Node& node) {
  memset(node.output()->data.raw, 0, node.output()->bytes);
  return kTfLiteOk;
}

}  // namespace
}  // namespace simbench

SIMBENCH_KERNEL(BATCH_TO_SPACE_ND, Stateless<simbench::BatchToSpace>())
SIMBENCH_KERNEL(BROADCAST_ARGS, Stateless<simbench::BroadcastArgs>())
SIMBENCH_KERNEL(BROADCAST_TO, Stateless<simbench::BroadcastTo>())
SIMBENCH_KERNEL(CONCATENATION, Stateless<simbench::Concatenation>())
SIMBENCH_KERNEL(DEPTH_TO_SPACE, Stateless<simbench::DepthToSpace>())
SIMBENCH_KERNEL(EXPAND_DIMS, Stateless<simbench::CopyAll>())
SIMBENCH_KERNEL(FILL, Stateless<simbench::FillAll>())
SIMBENCH_KERNEL(EMBEDDING_LOOKUP, Stateless<simbench::EmbeddingLookup>())
SIMBENCH_KERNEL(GATHER, Stateless<simbench::Gather>())
SIMBENCH_KERNEL(GATHER_ND, Stateless<simbench::GatherNd>())
SIMBENCH_KERNEL(MIRROR_PAD, Stateless<simbench::MirrorPad>())
SIMBENCH_KERNEL(PACK, Stateless<simbench::Pack>())
SIMBENCH_KERNEL(PAD, Stateless<simbench::Pad>())
SIMBENCH_KERNEL(PADV2, Stateless<simbench::Pad>())
SIMBENCH_KERNEL(RANK, Stateless<simbench::StoreRank>())
SIMBENCH_KERNEL(RESHAPE, Stateless<simbench::CopyAll>())
SIMBENCH_KERNEL(REVERSE_V2, Stateless<simbench::Reverse>())
SIMBENCH_KERNEL(SELECT, Stateless<simbench::Select>())
SIMBENCH_KERNEL(SELECT_V2, Stateless<simbench::Select>())
SIMBENCH_KERNEL(SHAPE, Stateless<simbench::StoreShape>())
SIMBENCH_KERNEL(SLICE, Stateless<simbench::Slice>())
SIMBENCH_KERNEL(SPACE_TO_BATCH_ND, Stateless<simbench::SpaceToBatch>())
SIMBENCH_KERNEL(SPACE_TO_DEPTH, Stateless<simbench::SpaceToDepth>())
SIMBENCH_KERNEL(SPLIT, Stateless<simbench::Split>())
SIMBENCH_KERNEL(SPLIT_V, Stateless<simbench::SplitV>())
SIMBENCH_KERNEL(SQUEEZE, Stateless<simbench::CopyAll>())
SIMBENCH_KERNEL(STRIDED_SLICE, Stateless<simbench::StridedSlice>())
SIMBENCH_KERNEL(TILE, Stateless<simbench::Tile>())
SIMBENCH_KERNEL(TRANSPOSE, Stateless<simbench::Transpose>())
SIMBENCH_KERNEL(UNPACK, Stateless<simbench::Unpack>())
SIMBENCH_KERNEL(ZEROS_LIKE, Stateless<simbench::ZerosLike>())
