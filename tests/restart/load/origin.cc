// The origin of the restart scenarios, one thread, one epoll. Prints "HTTP-PORT ECHO-PORT" and serves until it is
// ended.
//
//   GET /N          N bytes of the pattern
//   POST /upload    200 when the body is the pattern, otherwise 500; every other POST is answered when its body is
//   there Upgrade: …      101, and from then on every byte comes back; so it does at ECHO-PORT from the beginning
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <memory>
#include <set>

#include "base/check.h"
#include "tests/restart/load/loop.h"
#include "tests/restart/load/plan.h"

namespace sluice::load {
namespace {

struct Origin {
  Loop loop;
  Pattern pattern;
  std::set<Actor*> finished;  // deleted between two turns
};

enum class Speaks : std::uint8_t { kHttp, kEcho };

class Connection final : public Actor {
 public:
  Connection(Origin& origin, Fd socket, Speaks speaks) : origin_(origin), socket_(std::move(socket)), speaks_(speaks) {
    origin_.loop.watch(socket_.get(), EPOLLIN, *this);
  }

  void ready(std::uint32_t events) override {
    if ((events & EPOLLOUT) != 0) flush();
    if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) read();
  }

  void time_came() override {}

 private:
  void read() {
    std::array<char, 65536> buffer{};
    const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
      origin_.finished.insert(this);
      return;
    }
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
    if (speaks_ == Speaks::kEcho)
      out_ += bytes;
    else
      serve(bytes);
    flush();
  }

  void serve(std::string_view bytes) {
    while (!bytes.empty() && speaks_ == Speaks::kHttp) {
      if (body_left_ != 0) {
        const std::string_view part = bytes.substr(0, body_left_);
        good_ = good_ && (!checked_ || origin_.pattern.matches(body_taken_, part));
        body_taken_ += part.size();
        body_left_ -= part.size();
        bytes.remove_prefix(part.size());
      } else {
        const std::size_t had = head_.size();
        head_ += bytes;
        const std::size_t end = head_.find("\r\n\r\n");
        if (end == std::string::npos) return;
        bytes.remove_prefix(end + 4 - had);
        head_.resize(end + 2);
        take_head();
      }
      if (body_left_ == 0) answer();
    }
    out_ += bytes;
  }

  void take_head() {
    good_ = true;
    body_taken_ = 0;
    checked_ = head_.starts_with("POST /upload ");
    for (const std::string_view name : {"\r\nContent-Length: ", "\r\ncontent-length: "})
      if (const std::size_t at = head_.find(name); at != std::string::npos)
        (void)std::from_chars(head_.data() + at + name.size(), head_.data() + head_.size(), body_left_);
  }

  void answer() {
    closes_ = head_.find("onnection: close") != std::string::npos;
    if (head_.find("\r\nUpgrade: ") != std::string::npos || head_.find("\r\nupgrade: ") != std::string::npos) {
      speaks_ = Speaks::kEcho;
      out_ +=
          "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
          "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";  // the key of RFC 6455 section 1.3
    } else if (head_.starts_with("GET /")) {
      (void)std::from_chars(head_.data() + 5, head_.data() + head_.size(), pattern_left_);
      pattern_at_ = 0;
      out_ += fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", pattern_left_);
    } else {
      out_ += fmt::format("HTTP/1.1 {}\r\nContent-Length: 2\r\n\r\nok", good_ ? "200 OK" : "500 Wrong Body");
    }
    head_.clear();
  }

  void flush() {
    for (;;) {
      constexpr std::uint64_t kPiece = 32768;
      if (out_.size() < kPiece && pattern_left_ != 0) {  // the head and a small body leave together
        const std::string_view piece = origin_.pattern.piece(pattern_at_, std::min(kPiece, pattern_left_));
        out_ += piece;
        pattern_at_ += piece.size();
        pattern_left_ -= piece.size();
      }
      if (out_.empty()) break;
      const ssize_t sent = ::send(socket_.get(), out_.data(), out_.size(), MSG_NOSIGNAL);
      if (sent <= 0) break;
      out_.erase(0, static_cast<std::size_t>(sent));
    }
    const bool more = !out_.empty();
    // an echo that nobody takes is not read on, either
    origin_.loop.change(socket_.get(), more ? EPOLLOUT : EPOLLIN, *this);
    if (!more && closes_ && speaks_ == Speaks::kHttp) origin_.finished.insert(this);
  }

  Origin& origin_;
  Fd socket_;
  Speaks speaks_;
  std::string head_;
  std::string out_;
  bool good_ = true;
  bool checked_ = false;
  bool closes_ = false;
  std::uint64_t body_left_ = 0;
  std::uint64_t body_taken_ = 0;
  std::uint64_t pattern_left_ = 0;
  std::uint64_t pattern_at_ = 0;
};

class Listener final : public Actor {
 public:
  Listener(Origin& origin, Speaks speaks)
      : origin_(origin), speaks_(speaks), socket_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    SLUICE_CHECK(socket_, "descriptors");
    const sockaddr_in address = loopback(0);
    SLUICE_CHECK(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "bind");
    constexpr int kBacklog = 4096;
    SLUICE_CHECK(::listen(socket_.get(), kBacklog) == 0, "listen");
    origin_.loop.watch(socket_.get(), EPOLLIN, *this);
  }

  [[nodiscard]] std::uint16_t port() const {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    (void)::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
  }

  void ready(std::uint32_t /*events*/) override {
    for (;;) {
      Fd socket(::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!socket) return;
      // owned by itself: it goes into `finished` when its socket has ended
      (void)std::make_unique<Connection>(origin_, std::move(socket), speaks_).release();
    }
  }

  void time_came() override {}

 private:
  Origin& origin_;
  Speaks speaks_;
  Fd socket_;
};

[[noreturn]] void serve() {
  Origin origin;
  const Listener http(origin, Speaks::kHttp);
  const Listener echo(origin, Speaks::kEcho);
  fmt::print("{} {}\n", http.port(), echo.port());
  (void)std::fflush(stdout);
  for (;;) {
    origin.loop.turn(std::chrono::milliseconds(1000));
    for (Actor* actor : origin.finished) const std::unique_ptr<Actor> gone(actor);
    origin.finished.clear();
  }
}

}  // namespace
}  // namespace sluice::load

int main() {
  rlimit descriptors{};
  (void)::getrlimit(RLIMIT_NOFILE, &descriptors);
  descriptors.rlim_cur = descriptors.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &descriptors);
  sluice::load::serve();
}
