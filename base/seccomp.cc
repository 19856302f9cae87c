// See seccomp.h.
#include "base/seccomp.h"

#include <seccomp.h>

#include <array>
#include <cerrno>
#include <memory>
#include <utility>

namespace sluice::seccomp {
namespace {

struct Release {
  void operator()(void* filter) const { seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, Release>;

Result<Filter> start(std::uint32_t otherwise, std::uint32_t foreign) {
  Filter filter(seccomp_init(otherwise));
  if (!filter) return fail(Code::kInternal, "seccomp_init");
  // A call by another architecture's table (int 0x80, x32) has other numbers: no row can be meant for it.
  if (const int error = seccomp_attr_set(filter.get(), SCMP_FLTATR_ACT_BADARCH, foreign); error != 0)
    return fail_errno(-error, "seccomp_attr_set(BADARCH)");
  // A binary tree instead of a chain: some 6 comparisons per call, and not up to 60. Older libraries do without.
  (void)seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  return filter;
}

Result<> add(const Filter& filter, std::uint32_t action, std::span<const Row> rows) {
  for (const Row& row : rows) {
    std::array<scmp_arg_cmp, 6> conditions{};
    std::size_t count = 0;
    for (const Condition& one : row.when)
      conditions[count++] = SCMP_CMP64(one.argument, SCMP_CMP_MASKED_EQ, one.mask, one.wanted);
    const int error =
        seccomp_rule_add_array(filter.get(), action, row.call, static_cast<unsigned>(count), conditions.data());
    if (error != 0) return fail_errno(-error, std::string("seccomp rule: ") + std::string(row.why));
  }
  return {};
}

Result<> load(const Filter& filter) {
  if (const int error = seccomp_load(filter.get()); error != 0) return fail_errno(-error, "seccomp_load");
  return {};
}

}  // namespace

std::string_view name(Mode mode) {
  switch (mode) {
    case Mode::kKill:
      return "kill";
    case Mode::kLog:
      return "log";
    case Mode::kOff:
      return "off";
  }
  return "?";
}

Result<> allow_only(std::span<const Row> rows, Mode mode) {
  if (mode == Mode::kOff) return {};
  const std::uint32_t otherwise = mode == Mode::kLog ? SCMP_ACT_LOG : SCMP_ACT_KILL_PROCESS;
  auto filter = start(otherwise, otherwise);
  if (!filter) return fail(std::move(filter).error());
  if (auto added = add(*filter, SCMP_ACT_ALLOW, rows); !added) return added;
  return load(*filter);
}

Result<> forbid(std::span<const Row> rows, Refusal refusal) {
  auto filter = start(SCMP_ACT_ALLOW, SCMP_ACT_KILL_PROCESS);
  if (!filter) return fail(std::move(filter).error());
  const std::uint32_t action = refusal == Refusal::kKill ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ERRNO(EPERM);
  if (auto added = add(*filter, action, rows); !added) return added;
  return load(*filter);
}

}  // namespace sluice::seccomp
