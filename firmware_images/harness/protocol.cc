#include "harness/protocol.h"

#include <cstdlib>
#include <cstring>

#include "harness/config.h"
#include "harness/ends.h"
#include "harness/model.h"
#include "harness/plan.h"
#include "harness/seam.h"
#include "harness/stack.h"

namespace simbench {
namespace {

constexpr char kTerminator = '%';
constexpr size_t kCommandSize = 80;
constexpr size_t kBufferSize = 96 * 96 * 3;
constexpr int kDefaultInferences = 1;
constexpr int kDefaultWarmups = 10;

char command_text[kCommandSize + 1];

uint8_t buffer[kBufferSize];
size_t expected_bytes = 0;
size_t received_bytes = 0;
Input current_input = {buffer, 0};

// The words of a command, one after another.
class Words {
 public:
  explicit Words(char* text) : rest_(text) {}

  // The next word, or null.
  char* Next() {
    rest_ += strspn(rest_, " ");
    if (*rest_ == '\0') return nullptr;
    char* word = rest_;
    rest_ += strcspn(rest_, " ");
    if (*rest_ != '\0') *rest_++ = '\0';
    return word;
  }

 private:
  char* rest_;
};

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void BufferLoad(const char* count) {
  if (count == nullptr) return th_printf("e-[Command 'db load' requires the # of bytes]\r\n");
  const int bytes = atoi(count);
  if (bytes <= 0) return th_printf("e-[Command 'db load' must be >0 bytes]\r\n");
  expected_bytes = received_bytes = 0;
  if (static_cast<size_t>(bytes) > kBufferSize) {
    return th_printf("e-[Supplied buffer size %d exceeds maximum of %u]\r\n", bytes,
                     static_cast<unsigned>(kBufferSize));
  }
  expected_bytes = bytes;
  current_input = {buffer, 0};
  th_printf("m-[Expecting %d bytes]\r\n", bytes);
}

void BufferPrint() {
  constexpr size_t kPerLine = 8;
  for (size_t i = 0; i < current_input.size; ++i) {
    if (i % kPerLine == 0) th_printf("m-buffer-");
    th_printf("%02x", current_input.bytes[i]);
    const bool ends_line = i % kPerLine == kPerLine - 1 || i + 1 == current_input.size;
    th_printf(ends_line ? "\r\n" : "-");
  }
}

void BufferAppend(const char* digits) {
  if (strlen(digits) % 2 != 0) return th_printf("e-[Insufficent number of hex digits]\r\n");
  for (; *digits != '\0'; digits += 2) {
    const int high = HexDigit(digits[0]);
    const int low = HexDigit(digits[1]);
    if (high < 0 || low < 0) {
      return th_printf("e-[Invalid hex digit '%c%c']\r\n", digits[0], digits[1]);
    }
    if (received_bytes == expected_bytes) return;  // as the field's firmware: too much is dropped
    buffer[received_bytes++] = static_cast<uint8_t>(16 * high + low);
    current_input.size = received_bytes;
    if (received_bytes == expected_bytes) return th_printf("m-load-done\r\n");
  }
}

void HandleBuffer(Words words) {
  char* word = words.Next();
  if (word == nullptr) {
    th_printf("e-[Command 'db' requires a subcommand]\r\n");
  } else if (strcmp(word, "load") == 0) {
    BufferLoad(words.Next());
  } else if (strcmp(word, "print") == 0) {
    BufferPrint();
  } else {
    BufferAppend(word);
  }
}

void HandleBank(Words words) {
  const char* word = words.Next();
  const bool is_number = word != nullptr && strspn(word, "0123456789") == strlen(word);
  const uint32_t entry = is_number ? atoi(word) : 0;
  if (!is_number || !IsConfigured() || entry >= simbench_config.bank_entries) {
    return th_printf("e-[Command 'bank' requires an entry of the bank]\r\n");
  }
  const uint32_t address = simbench_config.bank_address + entry * simbench_config.bank_stride;
  current_input = {reinterpret_cast<const uint8_t*>(address), simbench_config.bank_stride};
  th_printf("m-load-done\r\n");
}

void Infer(int inferences, int warmups) {
  if (!HasModel()) return ReportProblem();
  th_load_tensor();
  if (!IsReady()) return ReportProblem();
  th_printf("m-warmup-start-%d\r\n", warmups);
  for (int i = 0; i < warmups; ++i) th_infer();
  th_printf("m-warmup-done\r\n");
  // the interpreter reuses the input's memory, so a warm-up spoils it
  if (warmups > 0) th_load_tensor();
  th_printf("m-infer-start-%d\r\n", inferences);
  th_timestamp();
  th_pre();
  for (int i = 0; i < inferences; ++i) th_infer();
  th_post();
  th_timestamp();
  if (!IsReady()) return ReportProblem();
  th_printf("m-infer-done\r\n");
  th_results();
}

void HandleInfer(Words words) {
  int inferences = kDefaultInferences;
  int warmups = kDefaultWarmups;
  if (const char* word = words.Next()) {
    inferences = atoi(word);
    if (inferences <= 0) return th_printf("e-[Inference iterations must be >0]\r\n");
    if (const char* next = words.Next()) {
      warmups = atoi(next);
      if (warmups < 0) return th_printf("e-[Inference warmup must be >=0]\r\n");
    }
  }
  Infer(inferences, warmups);
}

void HandleName(Words) {
  th_printf("m-name-dut-[%s]\r\n", IsConfigured() ? simbench_config.dut_name : "unspecified");
}

void HandleProfile(Words) {
  th_printf("m-profile-[ULPMark for tinyML Firmware V0.0.1]\r\n");
  th_printf("m-model-[%s]\r\n", IsConfigured() ? simbench_config.model_id : "none");
}

void HandleTimestamp(Words) { th_timestamp(); }

void HandleResults(Words) { IsReady() ? th_results() : ReportProblem(); }

void HandleArena(Words) {
  if (!HasModel()) return ReportProblem();
  th_printf("m-arena-bytes-%u\r\n", static_cast<unsigned>(ArenaBytes()));
  th_printf("m-arena-used-%u\r\n", static_cast<unsigned>(ArenaUsedBytes()));
}

void HandlePlan(Words) { HasModel() ? PrintArenaPlan() : ReportProblem(); }

void HandleStack(Words) {
  th_printf("m-stack-used-%u\r\n", static_cast<unsigned>(StackUsedBytes()));
}

void HandleOutput(Words) { IsReady() ? PrintOutputBytes() : ReportProblem(); }

void HandleHelp(Words);

struct Command {
  const char* name;
  void (*handle)(Words);
  const char* help;
};

constexpr Command kCommands[] = {
    {"help", HandleHelp, "list the commands"},
    {"name", HandleName, "say the device's name"},
    {"profile", HandleProfile, "say the firmware and the model"},
    {"timestamp", HandleTimestamp, "say the time in microseconds"},
    {"db", HandleBuffer, "load N, then HH.. until N bytes are there; print"},
    {"infer", HandleInfer, "N [W]: run N inferences after W warm-ups"},
    {"results", HandleResults, "say the results again"},
    {"arena", HandleArena, "say how much of the arena the model needs"},
    {"plan", HandlePlan, "say where in the arena each buffer is"},
    {"stack", HandleStack, "say how much of the stack has been used"},
    {"bank", HandleBank, "I: load entry I of the bank"},
    {"output", HandleOutput, "say the output's bytes"},
};

void HandleHelp(Words) {
  th_printf("ULPMark for tinyML Firmware V0.0.1\r\n\r\n");
  for (const Command& command : kCommands) th_printf("%s: %s\r\n", command.name, command.help);
}

void Obey(char* text) {
  Words words(text);
  const char* name = words.Next();
  for (const Command& command : kCommands) {
    if (name != nullptr && strcmp(name, command.name) == 0) return command.handle(words);
  }
  th_printf("e-[Unknown command: %s]\r\n", name == nullptr ? "" : name);
}

}  // namespace

Input CurrentInput() { return current_input; }

void InitializeBenchmark() {
  th_serialport_initialize();
  th_timestamp_initialize();
  th_final_initialize();
  th_printf("m-init-done\r\n");
  th_printf("m-ready\r\n");
}

void ServeCommands() {
  size_t length = 0;
  while (true) {
    const char c = th_getchar();
    if (c == kTerminator) {
      command_text[length] = '\0';
      length = 0;
      th_command_ready(command_text);
    } else if (c != '\r' && c != '\n' && length < kCommandSize) {
      // line ends are for people at a terminal; what is too long is cut
      command_text[length++] = c;
    }
  }
}

}  // namespace simbench

extern "C" void th_command_ready(char* command) {
  simbench::Obey(command);
  th_printf("m-ready\r\n");
}
