// The state that one supervisor leaves to the next: what is accepted can be written and read again, names no
// descriptor twice and none of the standard ones.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "restart/saved_state.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  const Result<restart::SavedState> state =
      restart::read_state(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!state) return 0;
  const std::string text = restart::write_state(*state);
  const Result<restart::SavedState> again = restart::read_state(text);
  SLUICE_CHECK(again && restart::write_state(*again) == text, "a state that does not come back");
  std::vector<std::int32_t> all = restart::descriptors_of(*state);
  std::ranges::sort(all);
  SLUICE_CHECK(std::ranges::adjacent_find(all) == all.end(), "a descriptor stands twice");
  SLUICE_CHECK(all.empty() || all.front() > 2, "a standard descriptor");
  return 0;
}
