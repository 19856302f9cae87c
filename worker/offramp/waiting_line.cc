// See waiting_line.h.
#include "worker/offramp/waiting_line.h"

namespace sluice::worker {

void WaitingLine::call() {
  if (first_ == nullptr) return;
  first_->called_ = true;
  first_->turn_.set();
}

WaitingLine::Visitor::Visitor(WaitingLine& line) : line_(line), before_(line.last_) {
  (before_ != nullptr ? before_->behind_ : line_.first_) = this;
  line_.last_ = this;
  ++line_.size_;
}

WaitingLine::Visitor::~Visitor() {
  (before_ != nullptr ? before_->behind_ : line_.first_) = behind_;
  (behind_ != nullptr ? behind_->before_ : line_.last_) = before_;
  --line_.size_;
  if (called_) line_.call();
}

void WaitingLine::Visitor::stay() {
  called_ = false;
  if (!dismissed_) turn_.clear();
}

}  // namespace sluice::worker
