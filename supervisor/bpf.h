// The calls of bpf(2) that steering datagrams needs, as Result-returning functions. Only the supervisor makes them, and
// no worker ever gets a descriptor that they make.
#pragma once
#include <linux/bpf.h>

#include <cstdint>
#include <span>

#include "base/fd.h"
#include "base/result.h"

namespace sluice::supervisor::bpf {

struct MapShape {
  bpf_map_type type;
  std::uint32_t key_size;
  std::uint32_t value_size;
  std::uint32_t entries;
};
/// `name`: at most 15 bytes, for people who look with other tools. Errors: kSystem.
[[nodiscard]] Result<Fd> make_map(const char* name, const MapShape& shape);
/// Errors: kSystem, with the verifier's last words.
[[nodiscard]] Result<Fd> load_reuseport_program(std::span<const bpf_insn> code);
/// The program decides for the whole group of `socket`.
[[nodiscard]] Result<> attach(int socket, int program);

[[nodiscard]] Result<> put(int map, const void* key, const void* value);
[[nodiscard]] Result<> remove(int map, const void* key);
/// `value` has the size of the map's values. Errors: kSystem; ENOENT when there is none.
[[nodiscard]] Result<> get(int map, const void* key, void* value);

}  // namespace sluice::supervisor::bpf
