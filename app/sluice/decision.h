// Decisions: what a hook says. A hook never acts on a connection; it returns one of these and the worker performs it,
// in the right order, with metrics and logs. Each type offers only the moves that are legal at its layer, so a wrong
// move does not compile. Values made by named functions: `co_return HttpDecision::respond(403, "blocked by policy\n");`
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice {

/// About a connection that a client has just made.
class IngressDecision {
 public:
  /// Serve it as its endpoint is configured.
  [[nodiscard]] static IngressDecision accept() { return IngressDecision(Kind::kAccept, {}); }
  /// Close it at once, before a byte is read. `why` goes to the access log.
  [[nodiscard]] static IngressDecision reject(std::string why) {
    return IngressDecision(Kind::kReject, std::move(why));
  }

  [[nodiscard]] bool accepts() const { return kind_ == Kind::kAccept; }
  [[nodiscard]] const std::string& why() const { return why_; }

 private:
  enum class Kind : std::uint8_t { kAccept, kReject };
  IngressDecision(Kind kind, std::string why) : kind_(kind), why_(std::move(why)) {}
  Kind kind_;
  std::string why_;
};

/// About an HTTP request (CONNECT included) whose head has been read.
class HttpDecision {
 public:
  enum class Kind : std::uint8_t { kForward, kRespond };

  /// Send it on, to where the configuration says. The hook may have changed the head.
  [[nodiscard]] static HttpDecision forward() { return HttpDecision(Kind::kForward); }
  /// Reverse endpoints: send it to this upstream of the configuration instead of the route's. A name that does not
  /// exist is answered with 500 and logged.
  [[nodiscard]] static HttpDecision forward_to(std::string upstream) {
    HttpDecision decision(Kind::kForward);
    decision.upstream_ = std::move(upstream);
    return decision;
  }
  /// Answer it here. 1xx and 101 are not possible; a body is left out where the status forbids one.
  [[nodiscard]] static HttpDecision respond(std::uint16_t status, std::string body) {
    HttpDecision decision(Kind::kRespond);
    decision.status_ = status;
    decision.body_ = std::move(body);
    return decision;
  }
  /// Adds a field to the answer of respond(). The value is checked when it is sent: one that cannot stand in a field
  /// ends in 500.
  [[nodiscard]] HttpDecision&& with(std::string name, std::string value) && {
    fields_.emplace_back(std::move(name), std::move(value));
    return std::move(*this);
  }

  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] std::uint16_t status() const { return status_; }
  [[nodiscard]] const std::string& body() const { return body_; }
  [[nodiscard]] const std::string& upstream() const { return upstream_; }
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

 private:
  explicit HttpDecision(Kind kind) : kind_(kind) {}
  Kind kind_;
  std::uint16_t status_ = 0;
  std::string body_;
  std::string upstream_;
  std::vector<std::pair<std::string, std::string>> fields_;
};

/// About one address that the worker is about to connect to.
class EgressDecision {
 public:
  enum class Kind : std::uint8_t { kByPolicy, kAllow, kRefuse };

  /// Let the tenant's `egress` policy decide.
  [[nodiscard]] static EgressDecision by_policy() { return EgressDecision(Kind::kByPolicy, {}); }
  /// Connect, even to an address that the policy refuses by default (private ranges and the like). An address in
  /// `egress.deny` stays refused: the operator has the last word.
  [[nodiscard]] static EgressDecision allow() { return EgressDecision(Kind::kAllow, {}); }
  /// Do not connect to this address; the next one, if any, is asked about in turn. `why` goes to the log, not to the
  /// client.
  [[nodiscard]] static EgressDecision refuse(std::string why) { return EgressDecision(Kind::kRefuse, std::move(why)); }

  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] const std::string& why() const { return why_; }

 private:
  EgressDecision(Kind kind, std::string why) : kind_(kind), why_(std::move(why)) {}
  Kind kind_;
  std::string why_;
};

/// What is about to move to a worker of another generation.
enum class HandOverKind : std::uint8_t {
  kIdle,    ///< a connection between two requests
  kTunnel,  ///< a connection that is a tunnel
};

/// About a connection that may go on in a worker of another generation.
class HandOverDecision {
 public:
  /// It goes; nothing has to be remembered of it.
  [[nodiscard]] static HandOverDecision go() { return go_with({}); }
  /// It goes, and the other worker's hook gets these bytes, at most 64 KiB: what the context has to say to a version of
  /// the application that may be another one.
  [[nodiscard]] static HandOverDecision go_with(std::string bytes) { return {true, std::move(bytes)}; }
  /// It stays, and drains. `why` goes to the log.
  [[nodiscard]] static HandOverDecision stay(std::string why) { return {false, std::move(why)}; }

  [[nodiscard]] bool goes() const { return goes_; }
  [[nodiscard]] const std::string& bytes() const { return text_; }
  [[nodiscard]] const std::string& why() const { return text_; }

 private:
  HandOverDecision(bool goes, std::string text) : goes_(goes), text_(std::move(text)) {}
  bool goes_;
  std::string text_;
};

/// About a connection that comes from a worker of another generation.
class TakeOverDecision {
 public:
  [[nodiscard]] static TakeOverDecision accept() { return {true, {}}; }
  /// The other worker keeps it. `why` goes to its log.
  [[nodiscard]] static TakeOverDecision refuse(std::string why) { return {false, std::move(why)}; }

  [[nodiscard]] bool accepts() const { return accepts_; }
  [[nodiscard]] const std::string& why() const { return why_; }

 private:
  TakeOverDecision(bool accepts, std::string why) : accepts_(accepts), why_(std::move(why)) {}
  bool accepts_;
  std::string why_;
};

}  // namespace sluice
