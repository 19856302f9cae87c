// See control_client.h.
#include "ipc/control_client.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/net/address.h"
#include "base/sys.h"
#include "ipc/wait.h"

namespace sluice::ipc {

Result<ControlClient> ControlClient::connect(const std::string& given) {
  std::error_code none;
  const std::filesystem::path whole = std::filesystem::absolute(given, none);
  const std::string path = none ? given : whole.string();
  const Result<SocketAddress> address = SocketAddress::parse("unix:" + path);
  if (!address) return fail(address.error());
  Result<Fd> fd = sys::socket(AF_UNIX, SOCK_STREAM, 0);
  if (!fd) return fail(std::move(fd).error());
  const RawAddress raw = address->raw();
  if (Result<> connected = sys::connect(fd->get(), raw.get(), raw.size); !connected)
    return fail(std::move(connected).error().during("cannot reach the supervisor at " + path));
  return ControlClient(std::move(*fd));
}

Result<> ControlClient::send(std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    const sys::Io io = sys::send(fd_.get(), bytes, 0);
    if (io.failed()) return fail_errno(io.error, "asking the supervisor");
    bytes.remove_prefix(io.bytes);
    if (!io.again()) continue;
    if (Result<> ready = wait_for(fd_.get(), POLLOUT, deadline, "the supervisor"); !ready) return ready;
  }
  return {};
}

Result<std::string> ControlClient::next_line(Deadline deadline) {
  for (;;) {
    Result<std::optional<std::string>> line = lines_.next();
    if (!line) return fail(std::move(line).error());
    if (*line) return std::move(**line);
    std::array<char, 16384> bytes;
    const sys::Io io = sys::read(fd_.get(), bytes);
    if (io.failed()) return fail_errno(io.error, "reading the supervisor's answer");
    if (io.done() && io.bytes == 0) return fail(Code::kClosed, "the supervisor hung up before its answer was complete");
    if (io.done()) lines_.feed({bytes.data(), io.bytes});
    if (!io.again()) continue;
    if (Result<> ready = wait_for(fd_.get(), POLLIN, deadline, "the supervisor"); !ready) return fail(ready.error());
  }
}

Result<nlohmann::json> ControlClient::call(const nlohmann::json& request, const OnItem& on_item, Deadline deadline) {
  const std::string question = request_line(request);
  if (Result<> sent = send(question, deadline); !sent) return fail(std::move(sent).error());
  for (;;) {
    const Result<std::string> line = next_line(deadline);
    if (!line) return fail(line.error());
    Result<nlohmann::json> reply = parse_reply(*line);
    if (!reply) return reply;
    switch (kind_of(*reply)) {
      case ReplyKind::kItem:
        on_item(reply->at("item"));
        break;
      case ReplyKind::kResult:
        return std::move(reply->at("result"));
      case ReplyKind::kError:
        return fail(error_of(*reply));
    }
  }
}

}  // namespace sluice::ipc
