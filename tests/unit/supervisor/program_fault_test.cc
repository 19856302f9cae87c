#include "supervisor/program_fault.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>

#include "supervisor/spawn.h"

namespace sluice::supervisor {
namespace {
using restart::Outcome;

constexpr ProgramFault kFaults[] = {ProgramFault::kMissing, ProgramFault::kNotExecutable, ProgramFault::kFormat,
                                    ProgramFault::kSilent,  ProgramFault::kFailed,        ProgramFault::kHangs,
                                    ProgramFault::kOther};

TEST(ProgramFault, EachHasAnOutcomeOfItsOwnForEachProgram) {
  std::set<int> codes;
  for (const ProgramFault fault : kFaults)
    for (const WhoseProgram whose : {WhoseProgram::kApplication, WhoseProgram::kSupervisor})
      EXPECT_TRUE(codes.insert(restart::facts(outcome_of(whose, fault)).exit_code).second);
  EXPECT_EQ(outcome_of(WhoseProgram::kApplication, ProgramFault::kNotIts), Outcome::kPreflight);
}

TEST(ProgramFault, IsFoundByOpening) {
  EXPECT_EQ(fault_of_opening(open_binary("/nowhere/at/all").error()), ProgramFault::kMissing);
  EXPECT_EQ(fault_of_opening(open_binary("/etc/passwd").error()), ProgramFault::kNotExecutable);
  EXPECT_EQ(fault_of_opening(open_binary("/etc").error()), ProgramFault::kNotExecutable);
  EXPECT_EQ(fault_of_opening(open_binary("/etc/passwd/x").error()), ProgramFault::kMissing);
  EXPECT_EQ(fault_of_opening(Error::from_errno(EMFILE, "open")), ProgramFault::kNotIts);
}

TEST(ProgramFault, IsFoundByRunning) {
  EXPECT_EQ(fault_of_running(Error(Code::kTimeout, "no end in time")), ProgramFault::kHangs);
  EXPECT_EQ(fault_of_running(Error::from_errno(ENOEXEC, "execveat")), ProgramFault::kFormat);
  EXPECT_EQ(fault_of_running(Error::from_errno(EACCES, "execveat")), ProgramFault::kNotExecutable);
  EXPECT_EQ(fault_of_running(Error::from_errno(EAGAIN, "clone3")), ProgramFault::kNotIts);
  EXPECT_EQ(fault_of_running(Error(Code::kTooLarge, "too much output")), ProgramFault::kOther);
}

TEST(ProgramFault, IsFoundInTheAnswer) {
  EXPECT_EQ(fault_of_answer({.status = 0, .output = "", .errors = "words"}), ProgramFault::kSilent);
  EXPECT_EQ(fault_of_answer({.status = 0, .output = "words", .errors = ""}), ProgramFault::kOther);
  EXPECT_EQ(fault_of_answer({.status = 134, .output = "{}", .errors = ""}), ProgramFault::kFailed);
}

}  // namespace
}  // namespace sluice::supervisor
