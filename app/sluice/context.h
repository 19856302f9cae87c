// What a hook is given: views of a connection, of an HTTP exchange and of a dial, with the application's own context in
// each.
//
// The views are a pointer wide and are passed by value; what they show belongs to the worker and lives as long as the
// connection, exchange or dial does, across every co_await of the hook. Contexts are typed by the application:
//
//   struct Contexts {
//     struct Connection { bool known = false; };   // one per client connection, default-constructed
//     struct Request { std::string user; };        // one per request, destroyed with it
//   };
//   class Guard : public sluice::HttpHook<Contexts> { … exchange.context().user … exchange.connection().context().known
//   … };
//
// A context of an empty type costs nothing. The Core classes are the worker's side; hooks do not touch them.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/net/address.h"
#include "proto/http/head.h"

namespace sluice {

using http::FieldId;
using http::Fields;
using http::RequestHead;
using http::ResponseHead;

/// For applications that keep nothing of their own.
struct NoContexts {
  struct Connection {};
  struct Request {};
};

namespace detail {

/// How the worker makes and destroys a context whose type it does not know.
struct ContextType {
  void* (*make)() = nullptr;
  void (*destroy)(void*) = nullptr;

  template <class T>
  [[nodiscard]] static constexpr ContextType of() {
    if constexpr (std::is_empty_v<T>) {
      return {};
    } else {
      return {.make = [] { return static_cast<void*>(std::make_unique<T>().release()); },
              .destroy = [](void* context) { std::unique_ptr<T>(static_cast<T*>(context)).reset(); }};
    }
  }
};

/// Owns one context.
class ContextBox {
 public:
  ContextBox() = default;
  explicit ContextBox(const ContextType& type)
      : context_(type.make != nullptr ? type.make() : nullptr), destroy_(type.destroy) {}
  ContextBox(ContextBox&&) = delete;
  ~ContextBox() {
    if (context_ != nullptr) destroy_(context_);
  }
  template <class T>
  [[nodiscard]] T& get() const {
    if constexpr (std::is_empty_v<T>) {
      static T nothing;
      return nothing;
    } else {
      return *static_cast<T*>(context_);
    }
  }

 private:
  void* context_ = nullptr;
  void (*destroy_)(void*) = nullptr;
};

/// The worker's side of a client connection.
struct ConnectionCore {
  std::uint64_t id = 0;
  SocketAddress peer;
  std::string_view endpoint;
  ContextBox context;

  explicit ConnectionCore(const ContextType& type) : context(type) {}
};

/// Who a request comes from, when that is more than who has connected. Made only for such requests.
struct Identity {
  std::optional<SocketAddress> client;  ///< behind trusted proxies; port 0
  std::string client_text;
  std::string_view user;  ///< lives as long as the endpoint
};

/// The worker's side of one exchange.
struct ExchangeCore {
  ConnectionCore& connection;
  RequestHead& request;
  ContextBox context;
  std::unique_ptr<Identity> identity;

  [[nodiscard]] const SocketAddress& client() const {
    return identity != nullptr && identity->client ? *identity->client : connection.peer;
  }

  ExchangeCore(ConnectionCore& on, RequestHead& head, const ContextType& type)
      : connection(on), request(head), context(type) {}
};

/// The worker's side of one address that may be connected to.
struct DialCore {
  ExchangeCore& exchange;
  std::string_view host;
  SocketAddress address;
};

}  // namespace detail

/// A client's connection to us.
template <class C = NoContexts>
class IngressConnection {
 public:
  explicit IngressConnection(detail::ConnectionCore& core) : core_(&core) {}

  /// Unique within the worker's life; the `connection` of logs and of `sluicectl connections`.
  [[nodiscard]] std::uint64_t id() const { return core_->id; }
  [[nodiscard]] const SocketAddress& peer() const { return core_->peer; }
  /// Name of the endpoint it came in by.
  [[nodiscard]] std::string_view endpoint() const { return core_->endpoint; }
  [[nodiscard]] typename C::Connection& context() const { return core_->context.get<typename C::Connection>(); }

 private:
  detail::ConnectionCore* core_;
};

/// One HTTP request and, later, its response, whatever the version.
template <class C = NoContexts>
class HttpExchange {
 public:
  explicit HttpExchange(detail::ExchangeCore& core) : core_(&core) {}

  /// The head as it will be sent on: a hook may change its fields. Hop-by-hop fields are still there for the hook to
  /// read and are removed afterwards.
  [[nodiscard]] RequestHead& request() const { return core_->request; }
  [[nodiscard]] IngressConnection<C> connection() const { return IngressConnection<C>(core_->connection); }
  /// The client: who a proxy that the endpoint trusts (`forwarded.trust`) says it is, with port 0; otherwise who has
  /// connected. To decide by addresses, decide by this one.
  [[nodiscard]] const SocketAddress& client() const { return core_->client(); }
  /// Who the client has proved to be (`proxy_auth`); empty where nobody has to.
  [[nodiscard]] std::string_view user() const {
    return core_->identity != nullptr ? core_->identity->user : std::string_view();
  }
  [[nodiscard]] typename C::Request& context() const { return core_->context.get<typename C::Request>(); }

 private:
  detail::ExchangeCore* core_;
};

/// One address that the worker is about to connect to on behalf of an exchange.
template <class C = NoContexts>
class EgressRequest {
 public:
  explicit EgressRequest(detail::DialCore& core) : core_(&core) {}

  /// The name or literal that was asked for.
  [[nodiscard]] std::string_view host() const { return core_->host; }
  /// The address that will really be connected to.
  [[nodiscard]] const SocketAddress& address() const { return core_->address; }
  [[nodiscard]] HttpExchange<C> exchange() const { return HttpExchange<C>(core_->exchange); }

 private:
  detail::DialCore* core_;
};

}  // namespace sluice
