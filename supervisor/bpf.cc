// See bpf.h.
#include "supervisor/bpf.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

namespace sluice::supervisor::bpf {
namespace {

// The kernel wants what it does not know to be zero, padding included.
class Request {
 public:
  Request() { std::memset(&attributes_, 0, sizeof attributes_); }
  bpf_attr* operator->() { return &attributes_; }
  [[nodiscard]] int call(bpf_cmd command) {
    return static_cast<int>(::syscall(SYS_bpf, command, &attributes_, sizeof attributes_));
  }

 private:
  bpf_attr attributes_;
};

std::uint64_t pointer(const void* to) {
  return reinterpret_cast<std::uint64_t>(to);
}

Result<> element(bpf_cmd command, const char* what, int map, const void* key, const void* value) {
  Request request;
  request->map_fd = static_cast<std::uint32_t>(map);
  request->key = pointer(key);
  request->value = pointer(value);
  request->flags = BPF_ANY;
  if (request.call(command) != 0) return fail_errno(errno, what);
  return {};
}

}  // namespace

Result<Fd> make_map(const char* name, const MapShape& shape) {
  Request request;
  request->map_type = shape.type;
  request->key_size = shape.key_size;
  request->value_size = shape.value_size;
  request->max_entries = shape.entries;
  std::strncpy(request->map_name, name, sizeof request->map_name - 1);
  Fd map(request.call(BPF_MAP_CREATE));
  if (!map) return fail_errno(errno, "bpf(BPF_MAP_CREATE)");
  return map;
}

Result<Fd> load_reuseport_program(std::span<const bpf_insn> code) {
  constexpr std::size_t kLog = 65'536;
  std::string log(kLog, '\0');
  const auto load = [&](bool explain) {
    Request request;
    request->prog_type = BPF_PROG_TYPE_SK_REUSEPORT;
    request->insn_cnt = static_cast<std::uint32_t>(code.size());
    request->insns = pointer(code.data());
    request->license = pointer("Apache-2.0");
    std::strncpy(request->prog_name, "sluice_udp", sizeof request->prog_name - 1);
    if (explain) {
      request->log_buf = pointer(log.data());
      request->log_size = static_cast<std::uint32_t>(log.size());
      request->log_level = 1;
    }
    return Fd(request.call(BPF_PROG_LOAD));
  };
  Fd program = load(false);
  if (program) return program;
  const int error = errno;
  if (error != EPERM) program = load(true);  // again, to be told why
  if (program) return program;
  log.resize(std::strlen(log.c_str()));
  const std::size_t last = log.size() < 2 ? 0 : log.rfind('\n', log.size() - 2);
  return fail(Error::from_errno(error, "bpf(BPF_PROG_LOAD)").during(log.substr(last == std::string::npos ? 0 : last)));
}

Result<> attach(int socket, int program) {
  if (::setsockopt(socket, SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, &program, sizeof program) != 0)
    return fail_errno(errno, "setsockopt(SO_ATTACH_REUSEPORT_EBPF)");
  return {};
}

Result<> put(int map, const void* key, const void* value) {
  return element(BPF_MAP_UPDATE_ELEM, "bpf(BPF_MAP_UPDATE_ELEM)", map, key, value);
}
Result<> remove(int map, const void* key) {
  return element(BPF_MAP_DELETE_ELEM, "bpf(BPF_MAP_DELETE_ELEM)", map, key, nullptr);
}
Result<> get(int map, const void* key, void* value) {
  return element(BPF_MAP_LOOKUP_ELEM, "bpf(BPF_MAP_LOOKUP_ELEM)", map, key, value);
}

}  // namespace sluice::supervisor::bpf
