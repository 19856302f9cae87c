#include "restart/datagram_program.h"

#include <gtest/gtest.h>

namespace sluice::restart::steering {
namespace {

// What the verifier would say too, but only where it may be asked: jumps go forward, to an instruction of the program.
TEST(DatagramProgram, JumpsForwardAndEndsWithAVerdict) {
  const std::vector<bpf_insn> code = program({.current = 3, .ranges = 4, .sockets = 5, .flows = 6}, 7);
  ASSERT_LT(code.size(), 256U);
  for (std::size_t i = 0; i < code.size(); ++i) {
    const auto kind = code[i].code & 0x07U;
    const auto what = code[i].code & 0xf0U;
    if ((kind != BPF_JMP && kind != BPF_JMP32) || what == BPF_CALL || what == BPF_EXIT) continue;
    EXPECT_GE(code[i].off, 0) << i;
    EXPECT_LT(i + 1 + static_cast<std::size_t>(code[i].off), code.size()) << i;
  }
  EXPECT_EQ(code.back().code, BPF_JMP | BPF_EXIT);
  EXPECT_EQ(code[code.size() - 2].imm, SK_DROP);
}

TEST(DatagramProgram, NamesItsMapsAndItsAddress) {
  const std::vector<bpf_insn> code = program({.current = 3, .ranges = 4, .sockets = 5, .flows = 6}, 7);
  for (const int map : {3, 4, 5, 6}) {
    bool found = false;
    for (const bpf_insn& one : code)
      found = found || (one.src_reg == BPF_PSEUDO_MAP_FD && one.code == 0x18 && one.imm == map);
    EXPECT_TRUE(found) << map;
  }
  bool address = false;
  for (const bpf_insn& one : code) address = address || one.imm == static_cast<int>(7 * kGenerations);
  EXPECT_TRUE(address);
}

}  // namespace
}  // namespace sluice::restart::steering
