// See dns_server.h.
#include "tests/unit/worker/offramp/dns_server.h"

#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/check.h"
#include "base/fd_events.h"
#include "base/sys.h"

namespace sluice::worker::test {
namespace {

constexpr std::size_t kHeader = 12;

Fd bound(int type, const SocketAddress& to) {
  Result<Fd> fd = sys::socket(AF_INET, type, 0);
  const RawAddress raw = to.raw();
  SLUICE_CHECK(fd, "a socket");
  if (::bind(fd->get(), raw.get(), raw.size) != 0) return {};
  return std::move(*fd);
}

SocketAddress name_of(const Fd& fd) {
  RawAddress raw;
  SLUICE_CHECK(::getsockname(fd.get(), raw.get(), &raw.size) == 0, "a bound socket");
  return SocketAddress::from_raw(raw).value();
}

std::optional<Question> read_question(std::span<const char> bytes) {
  if (bytes.size() < kHeader + 5) return std::nullopt;
  const auto u16 = [&](std::size_t at) {
    return static_cast<std::uint16_t>(static_cast<std::uint8_t>(bytes[at]) << 8U |
                                      static_cast<std::uint8_t>(bytes[at + 1]));
  };
  Question question{.id = u16(0)};
  std::size_t at = kHeader;
  while (at < bytes.size() && bytes[at] != 0) {
    const auto length = static_cast<std::size_t>(bytes[at]);
    if (at + 1 + length >= bytes.size()) return std::nullopt;
    if (!question.name.empty()) question.name += '.';
    question.name.append(&bytes[at + 1], length);
    at += 1 + length;
  }
  if (at + 5 > bytes.size()) return std::nullopt;
  question.type = u16(at + 1);
  return question;
}

std::span<const char> chars(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

DnsServer::DnsServer(Loop& loop, Script script) : loop_(loop), script_(std::move(script)) {
  const SocketAddress any = SocketAddress::parse("127.0.0.1:0").value();
  while (!udp_) {
    tcp_ = bound(SOCK_STREAM, any);
    address_ = name_of(tcp_);
    udp_ = bound(SOCK_DGRAM, address_);
  }
  SLUICE_CHECK(::listen(tcp_.get(), 16) == 0, "a listener");
  scope_.spawn([this] { return serve_udp(); });
  scope_.spawn([this] { return serve_tcp(); });
}

std::size_t DnsServer::seen_over(Transport transport) const {
  return static_cast<std::size_t>(std::ranges::count(seen_, transport, &Question::transport));
}

Task<> DnsServer::serve_udp() {
  FdEvents events(loop_, udp_.get());
  std::array<char, 4096> buffer{};
  for (;;) {
    co_await events.readable.wait(loop_, Deadline::never());
    RawAddress from;
    iovec part{.iov_base = buffer.data(), .iov_len = buffer.size()};
    msghdr message{};
    message.msg_name = &from.storage;
    message.msg_namelen = from.size;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    const sys::Io io = sys::recvmsg(udp_.get(), message, 0);
    if (!io.done()) {
      events.readable.clear();
      continue;
    }
    from.size = message.msg_namelen;
    std::optional<Question> question = read_question(std::span(buffer).first(io.bytes));
    SLUICE_CHECK(question, "c-ares sends whole questions");
    question->from_port = SocketAddress::from_raw(from).value().port();
    seen_.push_back(*question);
    scope_.spawn([this, reply = script_(*question), from] { return send_datagrams(reply, from); });
  }
}

Task<> DnsServer::send_datagrams(Reply reply, RawAddress to) {
  if (reply.delay.count() > 0) co_await loop_.sleep(reply.delay);
  for (const Bytes& bytes : reply.messages) {
    iovec part{.iov_base = const_cast<std::uint8_t*>(bytes.data()), .iov_len = bytes.size()};
    msghdr message{};
    message.msg_name = &to.storage;
    message.msg_namelen = to.size;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    static_cast<void>(sys::sendmsg(udp_.get(), message, 0));
  }
}

Task<> DnsServer::serve_tcp() {
  FdEvents events(loop_, tcp_.get());
  for (;;) {
    co_await events.readable.wait(loop_, Deadline::never());
    RawAddress from;
    sys::Accepted accepted = sys::accept(tcp_.get(), from.storage, from.size);
    if (!accepted.fd) {
      events.readable.clear();
      continue;
    }
    const int number = accepted.fd.release();
    scope_.spawn([this, number] { return serve_connection(Fd(number)); });
  }
}

Task<> DnsServer::serve_connection(Fd fd) {
  FdEvents events(loop_, fd.get());
  std::string in;
  std::array<char, 4096> buffer{};
  for (;;) {
    co_await events.readable.wait(loop_, Deadline::never());
    const sys::Io io = sys::read(fd.get(), buffer);
    if (io.again()) {
      events.readable.clear();
      continue;
    }
    if (!io.done() || io.bytes == 0) co_return;
    in.append(buffer.data(), io.bytes);
    while (in.size() >= 2) {
      const std::size_t size =
          static_cast<std::size_t>(static_cast<std::uint8_t>(in[0])) << 8U | static_cast<std::uint8_t>(in[1]);
      if (in.size() < 2 + size) break;
      std::optional<Question> question = read_question(std::span(in).subspan(2, size));
      SLUICE_CHECK(question, "c-ares sends whole questions");
      in.erase(0, 2 + size);
      question->transport = Transport::kTcp;
      seen_.push_back(*question);
      const Reply reply = script_(*question);
      if (reply.delay.count() > 0) co_await loop_.sleep(reply.delay);
      for (const Bytes& bytes : reply.messages) {
        Bytes framed;
        dns::test::put16(framed, static_cast<unsigned>(bytes.size()));
        framed.insert(framed.end(), bytes.begin(), bytes.end());
        // one byte apart: the reader has to put the message together
        const sys::Io first = sys::write(fd.get(), chars(framed).first(1));
        co_await loop_.yield();
        if (!first.done() || !sys::write(fd.get(), chars(framed).subspan(1)).done()) co_return;
      }
    }
  }
}

}  // namespace sluice::worker::test
