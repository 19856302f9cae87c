// Hooks: the places where an application takes part. Implement one, leave the rest: a hook that is not set costs
// nothing.
//
// Every callback may co_await. A hook that throws is answered with 500 and counted, and the connection goes on; one
// that takes longer than the exchange's deadlines is cancelled with it. Hooks run on the worker's only thread: what
// blocks in one stops all.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "app/sluice/context.h"
#include "app/sluice/decision.h"
#include "base/task.h"

namespace sluice {

namespace detail {
/// What the worker calls: the hooks with their context types erased.
class IngressHookBase {
 public:
  virtual ~IngressHookBase() = default;
  virtual Task<IngressDecision> call_connect(ConnectionCore& connection) = 0;
};
class HttpHookBase {
 public:
  virtual ~HttpHookBase() = default;
  virtual Task<HttpDecision> call_request(ExchangeCore& exchange) = 0;
  virtual void call_response(ExchangeCore& exchange, ResponseHead& head) = 0;
};
class EgressHookBase {
 public:
  virtual ~EgressHookBase() = default;
  virtual Task<EgressDecision> call_dial(DialCore& dial) = 0;
};
class HandOverHookBase {
 public:
  virtual ~HandOverHookBase() = default;
  virtual HandOverDecision call_hand_over(ConnectionCore& connection, HandOverKind what) = 0;
  virtual TakeOverDecision call_take_over(ConnectionCore& connection, std::string_view bytes) = 0;
};
}  // namespace detail

/// A client has connected; nothing has been read yet.
template <class C = NoContexts>
class IngressHook : public detail::IngressHookBase {
 public:
  virtual Task<IngressDecision> on_connect(IngressConnection<C> connection) = 0;

  Task<IngressDecision> call_connect(detail::ConnectionCore& connection) final {
    return on_connect(IngressConnection<C>(connection));
  }
};

/// HTTP requests and responses, CONNECT included.
template <class C = NoContexts>
class HttpHook : public detail::HttpHookBase {
 public:
  /// The request's head has been read and found correct; nothing has been sent anywhere.
  virtual Task<HttpDecision> on_request(HttpExchange<C> exchange) = 0;
  /// The origin's response head is about to be sent to the client; the hook may change it.
  virtual void on_response(HttpExchange<C> /*exchange*/, ResponseHead& /*head*/) {}

  Task<HttpDecision> call_request(detail::ExchangeCore& exchange) final {
    return on_request(HttpExchange<C>(exchange));
  }
  void call_response(detail::ExchangeCore& exchange, ResponseHead& head) final {
    on_response(HttpExchange<C>(exchange), head);
  }
};

/// The worker is about to connect to an address.
template <class C = NoContexts>
class EgressHook : public detail::EgressHookBase {
 public:
  /// Called for every address that the host resolved to, before it is connected to.
  virtual Task<EgressDecision> on_dial(EgressRequest<C> request) = 0;

  Task<EgressDecision> call_dial(detail::DialCore& dial) final { return on_dial(EgressRequest<C>(dial)); }
};

/// An upgrade: connections go on in workers of the new generation (docs/restart.md). An application that keeps a
/// context for connections and has no such hook keeps the connections as well: they drain. Not coroutines: while they
/// think, the connection stands still.
template <class C = NoContexts>
class HandOverHook : public detail::HandOverHookBase {
 public:
  /// In the old worker. The context of a request that has become a tunnel does not go along: what matters of it belongs
  /// into the connection's.
  virtual HandOverDecision on_hand_over(IngressConnection<C> connection, HandOverKind what) = 0;
  /// In the new worker, before a byte of the connection has been touched: its context is new, `bytes` is what the old
  /// worker's hook gave along. on_connect is not called for it.
  virtual TakeOverDecision on_take_over(IngressConnection<C> connection, std::string_view bytes) = 0;

  HandOverDecision call_hand_over(detail::ConnectionCore& connection, HandOverKind what) final {
    return on_hand_over(IngressConnection<C>(connection), what);
  }
  TakeOverDecision call_take_over(detail::ConnectionCore& connection, std::string_view bytes) final {
    return on_take_over(IngressConnection<C>(connection), bytes);
  }
};

/// An upgrade: what the application keeps for the whole worker, for the workers of the next generation.
class StateHook {
 public:
  virtual ~StateHook() = default;
  /// In the old worker, when new ones are about to start; it goes on serving until they do, and it is asked again at
  /// the next try if they do not. At most 1 MiB. Who hears it may be another version of the application.
  virtual std::string on_save() = 0;
};
/// What an old worker has said, for start(settings, parents).
struct ParentState {
  std::string version;  ///< of the application there; another application's is not passed on
  std::string bytes;
};

/// What start() returns: the hooks the application has.
template <class C = NoContexts>
struct Hooks {
  std::unique_ptr<IngressHook<C>> ingress;
  std::unique_ptr<HttpHook<C>> http;
  std::unique_ptr<EgressHook<C>> egress;
  std::unique_ptr<HandOverHook<C>> handover;
  std::unique_ptr<StateHook> state;
};

namespace detail {
/// The same for the worker, which does not know C.
struct HookSet {
  std::unique_ptr<IngressHookBase> ingress;
  std::unique_ptr<HttpHookBase> http;
  std::unique_ptr<EgressHookBase> egress;
  std::unique_ptr<HandOverHookBase> handover;
  std::unique_ptr<StateHook> state;
  ContextType connection_context;
  ContextType request_context;

  HookSet() = default;
  template <class C>
  explicit HookSet(Hooks<C> hooks)
      : ingress(std::move(hooks.ingress)),
        http(std::move(hooks.http)),
        egress(std::move(hooks.egress)),
        handover(std::move(hooks.handover)),
        state(std::move(hooks.state)),
        connection_context(ContextType::of<typename C::Connection>()),
        request_context(ContextType::of<typename C::Request>()) {}
};
}  // namespace detail

}  // namespace sluice
