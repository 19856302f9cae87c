// The child between clone3 and exec. Everything it needs lies ready in a ChildPlan, so that it makes system calls and
// nothing else: the memory is a copy of the supervisor's, in which any lock may be held and any buffer half written.
// Whatever fails is reported as {step, errno} through a pipe that exec closes by itself.
#pragma once
#include <sys/resource.h>
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace sluice::supervisor {

enum class Step : std::int32_t { kWait, kNested, kDescriptors, kIds, kLimits, kRestrict, kExec };
[[nodiscard]] std::string_view name(Step step);

/// What the child writes to `report` before it gives up; exec closes the pipe instead. kNested is only a remark: it
/// goes on.
struct ChildFailure {
  Step step;
  std::int32_t error;
};

struct Limit {
  __rlimit_resource resource;
  rlim_t value;
};

/// When we end without having ended it.
enum class Left : std::uint8_t {
  kDies,   ///< the kernel kills it
  kLives,  ///< it knows what to do: a worker serves on (docs/restart.md)
};
enum class Groups : std::uint8_t { kDrop, kKeep };
/// Whether the child forbids user namespaces below its own. Never without one of its own: the limit would be
/// everybody's.
enum class Nested : std::uint8_t { kAllowed, kForbidden };
/// What a tool run gives up before exec; a worker does all this and more by itself (worker/sandbox).
enum class Restrict : std::uint8_t { kNothing, kNoWrites };

struct ChildPlan {
  std::array<int, 4> descriptors;  ///< what becomes 0–3; -1: nothing. All numbers ≥ kFirstSpare
  int binary;
  int go;      ///< one byte arrives when the ids are mapped; end of file: the supervisor is gone
  int report;  ///< ChildFailure
  const char* const* argv;
  const char* const* envp;
  uid_t uid;  ///< as seen inside
  gid_t gid;
  Groups groups;
  Nested nested = Nested::kAllowed;
  Restrict restrict_to = Restrict::kNothing;
  int landlock = -1;  ///< a rule set for kNoWrites, or -1
  std::span<const Limit> limits;
  Left left = Left::kDies;
  unsigned most_seconds = 0;  ///< then SIGALRM ends it, whoever watches it by then; 0: as long as it likes
};
inline constexpr int kFirstSpare = 10;

[[noreturn]] void run_child(const ChildPlan& plan) noexcept;

}  // namespace sluice::supervisor
