// Generation: one configuration at work: its application, its tenants, their workers. Usually one lives; during an
// upgrade there are two, and older ones live on while they drain. A generation takes part in accepting only between
// accept() and pause(); it never touches another one.
//
// Owned by Generations.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "restart/drain.h"
#include "restart/ledger.h"
#include "supervisor/config.h"
#include "supervisor/tenant.h"
#include "supervisor/workforce.h"

namespace sluice::supervisor {

class Generation {
 public:
  /// Binds what it does not share with an older one. Errors: a sentence; nothing has been touched. Lifetime: what the
  /// references lead to outlives it.
  [[nodiscard]] static Result<std::unique_ptr<Generation>> make(const Workforce::Common& common,
                                                                const TenantMakings& makings, std::uint64_t number,
                                                                Configuration configuration);
  /// For another program that goes on with it; and back.
  [[nodiscard]] restart::SavedGeneration save() const;
  [[nodiscard]] static std::unique_ptr<Generation> go_on(const Takeover& from, const restart::SavedGeneration& saved,
                                                         const Workforce::Common& common, const TenantMakings& makings);
  Generation(Generation&&) = delete;
  ~Generation();

  [[nodiscard]] std::uint64_t number() const { return number_; }
  [[nodiscard]] const Configuration& configuration() const { return configuration_; }
  /// For changes that need no new processes.
  void adopt(const ipc::Settings& settings) { configuration_.settings = settings; }
  /// Our own programs for its processes beside whose file another one lies now: paths.
  [[nodiscard]] std::vector<std::string> changed_programs() const;
  [[nodiscard]] const std::vector<std::unique_ptr<Tenant>>& tenants() const { return tenants_; }
  [[nodiscard]] Workforce& workforce() { return *workforce_; }
  [[nodiscard]] const Workforce& workforce() const { return *workforce_; }

  /// Of all its processes together, in bytes, as room.h counts it.
  [[nodiscard]] std::uint64_t memory() const;
  void start() { workforce_->start(); }
  /// All its sockets listen, all its workers accept. Errors: kSystem; nobody has been told anything then.
  [[nodiscard]] Result<> accept();
  /// `other` accepts now. Sockets that it does not have stay in use here until drain().
  void pause(const Generation& other);
  /// Nobody new gets in at the addresses that only this generation has: false when there are none.
  [[nodiscard]] bool refuse_new(const Generation& other);
  /// Addresses that the other one does not have are nobody's any more, but for what its workers have of them.
  void close_addresses(const Generation& other);
  /// What can move goes on in `other` as soon as this one drains.
  void hand_over(const Generation& other, const ipc::HandOver& order) {
    workforce_->hand_over(*other.workforce_, order);
  }
  void drain(const restart::DrainOrder& order);
  void stop() { workforce_->stop(); }
  [[nodiscard]] bool draining() const { return draining_; }
  [[nodiscard]] bool gone() const { return workforce_->all_stopped(); }

 private:
  Generation(std::uint64_t number, Configuration configuration)
      : number_(number), configuration_(std::move(configuration)) {}
  [[nodiscard]] Result<> make_tenants(const TenantMakings& makings);
  void make_workforce(const Workforce::Common& common);
  [[nodiscard]] std::vector<BoundAddress*> addresses() const;
  [[nodiscard]] std::vector<BoundAddress*> only_here(const Generation& other) const;
  [[nodiscard]] std::vector<const DatagramShare*> shares() const;

  std::uint64_t number_;
  Steering* steering_ = nullptr;
  Configuration configuration_;
  std::optional<Application> admin_;
  std::optional<Application> keyholder_;
  std::vector<std::unique_ptr<Tenant>> tenants_;
  std::unique_ptr<Workforce> workforce_;
  bool accepted_ = false;
  bool draining_ = false;
};

}  // namespace sluice::supervisor
