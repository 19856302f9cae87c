// Exchange: one request and its answer, from the parsed head to the line in the access log, whatever HTTP versions
// carry its two sides. The order of a request's life is the order of the functions in exchange.cc (run, route),
// attempt.cc (server and connection are found), forward.cc (an origin answers), tunnels.cc (CONNECT and Upgrade),
// answer.cc, answer_here.cc and answer_rule.cc (we answer ourselves).
//
// The destructor accounts for it: however the exchange ends, finished, failed or cancelled with its connection, exactly
// one access record and one set of counts come out. Owned by the on-ramp, one at a time per HTTP/1 connection.
#pragma once
#include <array>
#include <optional>
#include <span>

#include "app/sluice/context.h"
#include "proto/http/semantics.h"
#include "proto/http1/framing.h"
#include "restart/handover.h"
#include "worker/flow/blame.h"
#include "worker/flow/client_connection.h"
#include "worker/flow/client_side.h"
#include "worker/offramp/connect.h"
#include "worker/services.h"
#include "worker/telemetry/record.h"

namespace sluice::worker {

class OriginSide;

class Exchange {
 public:
  /// `request` is the head just parsed, `facts` what its connection fields said, `framing` how its body is delimited.
  /// `place` is where it shows: the connection's own, or that of one stream among many.
  Exchange(const Services& services, const Endpoint& endpoint, ClientConnection& connection, const WorkPlace& place,
           ClientSide& client, http::RequestHead& request, Nanos first_byte);
  Exchange(Exchange&&) = delete;
  ~Exchange();

  /// Serves it. Whatever fails inside is answered or, when the answer has begun, cut; nothing comes out.
  Task<> run(const http::ConnectionFacts& facts, const http1::Framing& framing);

  /// Answers a request that could not be read, or that came too slowly. The connection cannot be used any more.
  Task<> refuse(http::Fault fault);
  Task<> refuse(Error error, std::uint16_t status);

  /// Bytes of the request that came in, for the record: its head now, its body as it is read.
  void head_bytes(std::uint64_t count) { head_bytes_ = count; }

 private:
  /// Where a request is going.
  struct Destination {
    UpstreamGroup* group = nullptr;
    std::shared_ptr<UpstreamGroup> asked_for;  // forward: keeps the group
    [[nodiscard]] ChosenBy chosen_by() const {
      return asked_for == nullptr ? ChosenBy::kConfiguration : ChosenBy::kClient;
    }
  };

  // exchange.cc
  Task<Result<>> handle();
  Task<> handle_into(std::optional<Result<>>& done);
  Task<Result<>> handle_until(Deadline deadline);
  Task<Result<bool>> ask_hook();
  [[nodiscard]] Result<Destination> route();
  [[nodiscard]] Result<Destination> route_forward();
  [[nodiscard]] Result<> check_loop();
  void settle_scheme();
  [[nodiscard]] Result<> check_host();
  // limited.cc
  [[nodiscard]] Result<> check_limits();
  void identify();
  void receive_forwarded();
  [[nodiscard]] Result<> authenticate();
  void describe();
  void account();
  void log();

  /// How the attempts for one request stand.
  struct Attempts {
    Wanted wanted;
    std::uint32_t number = 1;
    Place next;  ///< where the next one goes, when it had to be taken before this one was given up

    void add_tried(const Member& member) {
      if (count == failed.size()) return;
      failed.at(count++) = &member;
      wanted.tried = std::span(failed).first(count);
    }

   private:
    std::array<const Member*, 10> failed{};  // as many as `retry.attempts` may be
    std::size_t count = 0;
  };

  // attempt.cc
  Task<Result<>> forward(const Destination& destination);
  Task<Result<>> attempt(const Destination& destination, Attempts& attempts, Place& place);
  [[nodiscard]] bool may_try_again(const Error& error, UpstreamGroup& group, Attempts& attempts, Place& place);
  [[nodiscard]] bool may_ask_another(UpstreamGroup& group, Attempts& attempts, const Place& place);
  [[nodiscard]] bool within_budget(UpstreamGroup& group, Attempts& attempts);
  [[nodiscard]] bool repeatable() const;
  void account_for(UpstreamGroup& group, Member& member, const Result<>& done) const;
  Task<Result<Place>> wait_for_place(UpstreamGroup& group, const Wanted& wanted);
  Task<> dismiss_when_left(WaitingLine::Visitor& visitor);

  /// A connection to an origin: one for this exchange alone, or a stream of one that is shared.
  struct OriginLink {
    std::unique_ptr<OriginConnection> own;
    Http2Place shared;
  };

  // acquire.cc
  Task<Result<OriginLink>> acquire(const Destination& destination, OriginServer& server);
  [[nodiscard]] std::unique_ptr<OriginConnection> take_idle(OriginServer& server);
  Task<Result<std::unique_ptr<OriginConnection>>> dial(const Destination& destination, const OriginServer& server);
  Task<Result<OriginLink>> share(const Destination& destination, OriginServer& server);
  Task<Result<Http2Place>> wait_for_stream(UpstreamGroup& group, OriginServer& server);
  Task<Result<OriginLink>> dial_to_share(const Destination& destination, OriginServer& server);

  // forward.cc
  [[nodiscard]] Result<> prepare_request();
  [[nodiscard]] Result<> prepare_response(const http::ConnectionFacts& facts);
  Task<Result<>> exchange_on(UpstreamGroup& group, Attempts& attempts, const Place& place, OriginSide& origin);
  Task<Result<bool>> await_final(OriginSide& origin);
  Task<> abandon_when_left(OriginSide& origin);
  Task<Result<>> relay_response(OriginSide& origin);

  // tunnels.cc
  Task<Result<>> connect();
  Task<Result<>> upgrade(OriginSide& origin);
  Task<Result<>> tunnel(TunnelEnd client, TunnelEnd origin);
  [[nodiscard]] restart::MovedTunnel moved_tunnel();

  /// The worker drains, and the connection does not go on elsewhere.
  [[nodiscard]] bool says_close() const { return services_.draining && !halt_.wanted; }

  // answer_here.cc
  /// We are the one whom OPTIONS or TRACE asks (RFC 9110 section 7.6.2).
  Task<Result<>> answer_here();
  Task<Result<>> refuse_method();

  // answer_rule.cc
  /// The route has been found: its rules hold from now on.
  void follow(const RouteRules* rules);
  [[nodiscard]] RequestFacts request_facts(std::uint16_t status) const;
  Task<Result<>> answer_by_rule();

  // answer.cc
  /// Begins a response of our own: status and Date; the connection closes behind it where the request leaves no choice.
  http::Fields& begin_answer(std::uint16_t status);
  Task<> answer_error(const Error& error, std::uint16_t status);
  /// The member of Proxy-Status for an answer of ours; empty when the endpoint shows none.
  [[nodiscard]] std::string proxy_status(const Error& error) const;
  Task<Result<>> answer(std::uint16_t status, std::string_view body, const HttpDecision* decision);

  const Services& services_;
  const Endpoint& endpoint_;
  ClientConnection& connection_;
  ipc::ConnectionSlot& slot_;
  Halt& halt_;
  ClientSide& client_;
  http::RequestHead& request_;
  detail::ExchangeCore core_;
  http::ConnectionFacts facts_;
  http1::Framing framing_;
  http::ResponseHead response_;
  std::string upstream_;  // named by the hook
  AccessRecord record_;
  Nanos started_;
  std::uint64_t head_bytes_ = 0;
  const RouteRules* rules_ = nullptr;
  std::string_view asked_target_;  // before rules changed it; empty as long as there are none
  http::Authority asked_authority_;
  Stage stage_ = Stage::kRequest;
  std::optional<Error> error_;
  std::optional<SocketAddress> origin_;  // really connected to
  std::string_view upgrade_;             // protocol asked for, when it is one we pass on
  std::uint32_t retry_after_ = 0;        // seconds, for an answer that refuses
  bool finished_ = false;
  bool handed_over_ = false;  // what comes of it is another worker's to say
};

}  // namespace sluice::worker
