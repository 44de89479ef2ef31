#include "runner/slurm/nodes.hpp"

#include <gtest/gtest.h>

namespace sagelet::runner {
namespace {

TEST(Nodes, TheAddressIsFoundAmongTheOtherFields) {
  EXPECT_EQ(
      node_address("NodeName=n1 Arch=x86_64 CoresPerSocket=1 NodeAddr=10.0.0.5 NodeHostName=vm Port=17001\n"),
      "10.0.0.5");
  EXPECT_EQ(node_address("NodeAddr=n1.cluster"), "n1.cluster");
  EXPECT_EQ(node_address("Comment=MyNodeAddr=no NodeAddr=yes"), "yes");
  EXPECT_EQ(node_address("Node n9 not found"), "");
  EXPECT_EQ(node_address(""), "");
}

TEST(Nodes, WithoutSlurmANodeIsWhereItsNameLeads) {
  EXPECT_EQ(own_address("localhost", "127.0.0.1"), "127.0.0.1");
  EXPECT_EQ(own_address("there-is-no-such-node.invalid", ""), "127.0.0.1");
}

TEST(Nodes, AnInterfaceIsKnownByItsAddress) {
  EXPECT_EQ(interface_of("127.0.1.7"), "lo");
  EXPECT_EQ(interface_of("192.0.2.77"), "");
}

}  // namespace
}  // namespace sagelet::runner
