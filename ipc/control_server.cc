// See control_server.h.
#include "ipc/control_server.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "base/sys.h"

namespace sluice::ipc {

Result<Identity> identify(int connection) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
    return fail_errno(errno, "getsockopt(SO_PEERCRED)");
  Identity identity{.pid = credentials.pid, .uid = credentials.uid, .groups = {credentials.gid}};
  std::vector<gid_t> others(64);
  for (;;) {
    size = static_cast<socklen_t>(others.size() * sizeof(gid_t));
    if (::getsockopt(connection, SOL_SOCKET, SO_PEERGROUPS, others.data(), &size) == 0) break;
    // the kernel says how much room it wants
    if (errno != ERANGE || size <= others.size() * sizeof(gid_t)) return fail_errno(errno, "getsockopt(SO_PEERGROUPS)");
    others.resize(size / sizeof(gid_t));
  }
  others.resize(size / sizeof(gid_t));
  identity.groups.insert(identity.groups.end(), others.begin(), others.end());
  return identity;
}

bool may_control(const Identity& who, uid_t owner, std::optional<gid_t> group) {
  if (who.uid == 0 || who.uid == owner) return true;
  return group && std::ranges::find(who.groups, *group) != who.groups.end();
}

Task<Result<std::optional<nlohmann::json>>> ControlConnection::next(Deadline deadline) {
  for (;;) {
    Result<std::optional<std::string>> line = lines_.next();
    if (!line) {
      Result<> told = co_await error(line.error());
      static_cast<void>(told);  // the connection is over either way
      co_return fail(std::move(line).error());
    }
    if (*line) {
      Result<nlohmann::json> request = parse_request(**line);
      if (request) co_return std::move(*request);
      Result<> told = co_await error(request.error());
      if (!told) co_return fail(std::move(told).error());
      continue;
    }
    std::array<char, 4096> bytes;
    const sys::Io io = sys::read(fd_.get(), bytes);
    if (io.failed()) co_return fail_errno(io.error, "reading a request");
    if (io.done() && io.bytes > 0) {
      lines_.feed({bytes.data(), io.bytes});
      continue;
    }
    if (io.done()) {
      if (!lines_.in_line()) co_return std::nullopt;
      const Error cut(Code::kBadSyntax, "the last request has no line end");
      Result<> told = co_await error(cut);
      static_cast<void>(told);
      co_return std::nullopt;
    }
    events_.readable.clear();
    const Wake wake = co_await events_.readable.wait(events_.loop(), deadline);
    if (wake == Wake::kTimeout) co_return fail(Code::kTimeout, "no request on the control socket");
  }
}

Task<Result<>> ControlConnection::item(const nlohmann::json& item) {
  const std::string line = item_line(item);
  co_return co_await send(line);
}

Task<Result<>> ControlConnection::result(const nlohmann::json& result) {
  const std::string line = result_line(result);
  co_return co_await send(line);
}

Task<Result<>> ControlConnection::error(const Error& error) {
  const std::string line = error_line(error);
  co_return co_await send(line);
}

Task<Result<>> ControlConnection::send(std::string_view line) {
  const Deadline deadline(events_.loop().now() + patience_);
  sending_ = true;
  while (!line.empty()) {
    const sys::Io io = sys::send(fd_.get(), line, MSG_DONTWAIT);
    if (io.failed()) co_return fail_errno(io.error, "answering on the control socket");
    if (io.done()) {
      line.remove_prefix(io.bytes);
      continue;
    }
    events_.writable.clear();
    const Wake wake = co_await events_.writable.wait(events_.loop(), deadline);
    if (wake == Wake::kTimeout) co_return fail(Code::kTimeout, "a client of the control socket does not read");
  }
  sending_ = false;
  co_return Result<>();
}

}  // namespace sluice::ipc
