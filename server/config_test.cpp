#include "server/config.hpp"

#include <cstdlib>

#include "base/fs.hpp"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sagelet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

std::string error_of(std::string_view yaml) {
  Config config;
  const auto done = apply_yaml(config, yaml, "/etc/s.yaml");
  return done ? "no error" : done.error().message();
}

constexpr std::string_view kEveryKey = R"(
host: 0.0.0.0
port: 5000
advertise: http://10.0.0.5:4580
data: d
account: "123456789012"
region: eu-central-1
offline: true
durability: process
allowed_hosts: [a.example, b.example]
auth:
  mode: strict
  clock_skew_seconds: 60
  accounts:
    - { id: "111111111111", name: main, keys: [ { access_key: AK, secret_key: SK }, { access_key: AK2, secret_key: SK2 } ] }
seed_buckets:
  my-samples: /tmp
file_systems:
  fs-01234567: /usr
  "*": ../../tmp
images:
  - match: "*/sagemaker-scikit-learn:*"
    process: { python: ./venv/bin/python }
  - match: "*/other:*"
    docker: local/other:dev
pythons: [python3.11, /usr/bin/python3]
jobs:
  cores_per_job: 0.5
  memory_per_job_mb: 512
  stop_grace_seconds: 2
  network: loopback
  keep_failed_hours: 1
  log_spool_limit_mb: 10
  spot_interrupt_after_seconds: 1.5
s3:
  lifecycle_day_seconds: 2.5
  notifications: { webhook: "http://127.0.0.1:8080/events" }
placement: slurm
slurm:
  partition: batch
  options: ["--account=ml", "--qos=x"]
  folder: /scratch/
  shared: /usr
  runner: /opt/sagelet-runner
  python: /usr/bin/python3
  capacity_wait_seconds: 30
  instance_types:
    ml.p3.2xlarge: { partition: gpu, gres: "gpu:1", cpus: 8, memory: 60GB, options: ["--constraint=v100"] }
    ml.m5.large: { memory: 512MB }
)";

TEST(Config, ReadsEveryKey) {
  Config config;
  const auto done = apply_yaml(config, kEveryKey, "/etc/sagelet/s.yaml");
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(config.host, "0.0.0.0");
  EXPECT_EQ(config.port, 5000);
  ASSERT_TRUE(config.advertise);
  EXPECT_EQ(config.advertise->url(), "http://10.0.0.5:4580");
  EXPECT_EQ(config.data, "/etc/sagelet/d");
  EXPECT_EQ(config.account, "123456789012");
  EXPECT_EQ(config.region, "eu-central-1");
  EXPECT_TRUE(config.offline);
  EXPECT_EQ(config.effective_durability(), storage::Durability::kProcess);
  EXPECT_THAT(config.allowed_hosts, ElementsAre("a.example", "b.example"));
  EXPECT_EQ(config.auth, auth::Mode::kStrict);
  EXPECT_EQ(config.clock_skew, std::chrono::seconds(60));
  ASSERT_EQ(config.keys.size(), 2u);
  EXPECT_EQ(config.keys[1].access_key, "AK2");
  EXPECT_EQ(config.keys[1].account, "111111111111");
  EXPECT_EQ(config.keys[1].account_name, "main");
  EXPECT_THAT(config.seed_buckets, ElementsAre(std::pair<std::string, fs::path>("my-samples", "/tmp")));
  EXPECT_EQ(config.file_systems.at("fs-01234567"), "/usr");
  EXPECT_EQ(config.file_systems.at("*"), "/tmp");
  ASSERT_EQ(config.images.size(), 2u);
  EXPECT_EQ(config.images[0].python, "/etc/sagelet/venv/bin/python");
  EXPECT_EQ(config.images[1].docker, "local/other:dev");
  EXPECT_THAT(config.pythons, ElementsAre("python3.11", "/usr/bin/python3"));
  EXPECT_EQ(config.jobs.cores_per_job, 0.5);
  EXPECT_EQ(config.jobs.memory_per_job, 512u << 20);
  EXPECT_EQ(config.jobs.stop_grace, std::chrono::seconds(2));
  EXPECT_EQ(config.jobs.keep_failed, std::chrono::hours(1));
  EXPECT_EQ(config.jobs.network, "loopback");
  EXPECT_EQ(config.jobs.log_spool_limit, 10u << 20);
  EXPECT_EQ(config.jobs.spot_interrupt_after, std::chrono::milliseconds(1500));
  EXPECT_EQ(config.s3.notifications_webhook, "http://127.0.0.1:8080/events");
  EXPECT_EQ(config.s3.lifecycle_day, std::chrono::milliseconds(2500));
  EXPECT_TRUE(config.on_slurm);
  EXPECT_EQ(config.slurm.partition, "batch");
  EXPECT_THAT(config.slurm.options, ElementsAre("--account=ml", "--qos=x"));
  EXPECT_EQ(config.slurm.folder, "/scratch");
  EXPECT_EQ(config.slurm.shared, "/usr");
  EXPECT_EQ(config.slurm.runner, "/opt/sagelet-runner");
  EXPECT_EQ(config.slurm.python, "/usr/bin/python3");
  EXPECT_EQ(config.slurm.capacity_wait.count(), 30);
  const auto& size = config.slurm.instance_types.at("ml.p3.2xlarge");
  EXPECT_EQ(size.partition, "gpu");
  EXPECT_EQ(size.gres, "gpu:1");
  EXPECT_EQ(size.cpus, 8);
  EXPECT_EQ(size.memory, 60ull << 30);
  EXPECT_THAT(size.options, ElementsAre("--constraint=v100"));
  EXPECT_EQ(config.slurm.instance_types.at("ml.m5.large").memory, 512ull << 20);
  EXPECT_FALSE(config.slurm.instance_types.at("ml.m5.large").cpus);
}

TEST(Config, WhatAClustersAdministratorMayMistypeIsNamed) {
  EXPECT_EQ(error_of("placement: kubernetes\n"), "/etc/s.yaml:1: placement: expected local or slurm");
  EXPECT_THAT(error_of("slurm: { options: [account=ml] }\n"),
              HasSubstr("slurm.options: expected an option of sbatch as one word"));
  EXPECT_THAT(error_of("slurm: { options: [\"--nodes=3\"] }\n"), HasSubstr("--nodes is not to be chosen"));
  EXPECT_THAT(error_of("slurm: { options: [\"--requeue\"] }\n"), HasSubstr("--requeue is not to be chosen"));
  EXPECT_THAT(error_of("slurm: { folder: scratch }\n"),
              HasSubstr("slurm.folder: expected the path of a folder"));
  EXPECT_THAT(error_of("slurm: { shared: /no/such }\n"),
              HasSubstr("/no/such is not a folder on this machine"));
  EXPECT_THAT(error_of("slurm: { partition: \"a b\" }\n"), HasSubstr("expected a partition's name"));
  EXPECT_THAT(error_of("slurm: { instance_types: { m5.large: {} } }\n"), HasSubstr("such as ml.m5.large"));
  EXPECT_THAT(error_of("slurm: { instance_types: { ml.m5.large: { memory: 60 } } }\n"),
              HasSubstr("slurm.instance_types.ml.m5.large.memory: expected a size such as 60GB"));
  EXPECT_THAT(error_of("slurm: { partitions: x }\n"), HasSubstr("did you mean partition?"));
}

TEST(Config, AnEmptyFileChangesNothing) {
  for (const char* yaml : {"", "# nothing\n", "jobs:\n", "images:\n# - match: x\n"})
    EXPECT_EQ(error_of(yaml), "no error") << yaml;
}

TEST(Config, ErrorsNameFileLineKeyAndWhatWasExpected) {
  EXPECT_EQ(error_of("host: a\nport: many\n"),
            "/etc/s.yaml:2: port: expected a whole number from 0 to 65535");
  EXPECT_EQ(error_of("port: 70000\n"), "/etc/s.yaml:1: port: expected a whole number from 0 to 65535");
  EXPECT_EQ(error_of("jobs:\n  stop_grace_seconds: soon\n"),
            "/etc/s.yaml:2: jobs.stop_grace_seconds: expected a whole number from 0 to 2592000");
  EXPECT_EQ(error_of("images: 7\n"),
            "/etc/s.yaml:1: images: expected a list of { match: ..., process: ... }");
  EXPECT_EQ(error_of("auth:\n  mode: maybe\n"), "/etc/s.yaml:2: auth.mode: expected lax or strict");
  EXPECT_THAT(error_of("auth:\n  accounts:\n    - { id: \"12\" }\n"),
              StartsWith("/etc/s.yaml:3: auth.accounts.id: expected 12"));
  EXPECT_THAT(error_of("- a\n"), HasSubstr("expected keys and values: host, port"));
  EXPECT_THAT(error_of("seed_buckets: { bkt: /no/such/folder }\n"),
              HasSubstr("/no/such/folder is not a folder"));
  EXPECT_THAT(error_of("file_systems: { fs-01234567: /no/such/folder }\n"),
              HasSubstr("/no/such/folder is not a folder"));
  EXPECT_THAT(error_of("images:\n  - match: x\n"),
              StartsWith("/etc/s.yaml:2: images: expected either process"));
  EXPECT_THAT(error_of("images:\n  - docker: x\n"), HasSubstr("expected a match"));
  EXPECT_THAT(error_of("host: a\nhost: b\n"), StartsWith("/etc/s.yaml:2: host: the key is there twice"));
}

TEST(Config, AnUpstreamIsAnAddressWithBothItsKeysOrNeither) {
  Config config;
  ASSERT_TRUE(
      apply_yaml(config,
                 "s3:\n  upstream: { url: http://lab:9000/, access_key: a, secret_key: b, buckets: [x], "
                 "write_through: true, cache_limit_mb: 3, revalidate_seconds: 0 }\n",
                 "/etc/s.yaml"));
  EXPECT_EQ(config.upstream.url, "http://lab:9000");
  EXPECT_EQ(config.upstream.buckets, std::vector<std::string>{"x"});
  EXPECT_TRUE(config.upstream.write_through);
  EXPECT_EQ(config.upstream.cache_limit, 3u << 20);
  EXPECT_EQ(config.upstream.revalidate_after.count(), 0);
  EXPECT_EQ(error_of("s3:\n  upstream: { url: lab }\n"),
            "/etc/s.yaml:2: s3.upstream.url: expected http://host[:port] or https://host[:port]");
  EXPECT_EQ(error_of("s3:\n  upstream: { access_key: a }\n"),
            "/etc/s.yaml:2: s3.upstream: expected both access_key and secret_key, or neither");
  EXPECT_FALSE(parse_upstream_url("http://"));
  EXPECT_FALSE(parse_upstream_url("http://host/path"));
  EXPECT_FALSE(parse_upstream_url("s3://host"));
  EXPECT_EQ(*parse_upstream_url("https://host"), "https://host");
}

TEST(Config, UnknownKeysAreErrorsWithASuggestion) {
  EXPECT_EQ(error_of("prot: 1\n"), "/etc/s.yaml:1: prot: there is no such key; did you mean port?");
  EXPECT_EQ(error_of("jobs:\n  stop_grace: 2\n"),
            "/etc/s.yaml:2: jobs.stop_grace: there is no such key; did you mean stop_grace_seconds?");
  EXPECT_THAT(error_of("zzzzzzzz: 1\n"), HasSubstr("known are host, port"));
}

TEST(Config, BrokenYamlNamesItsLine) {
  EXPECT_THAT(error_of("jobs:\n  stop_grace_seconds: [\n"), StartsWith("/etc/s.yaml:3: not YAML"));
  EXPECT_THAT(error_of("a: b: c\n"), StartsWith("/etc/s.yaml:1: not YAML"));
  EXPECT_THAT(error_of("\t\x01\xff"), StartsWith("/etc/s.yaml:1: "));
}

TEST(Config, AMissingFileIsNamed) {
  Config config;
  EXPECT_THAT(apply_file(config, "/no/such/sagelet.yaml").error().message(),
              HasSubstr("/no/such/sagelet.yaml"));
}

TEST(Config, WhatNodesAreToldIsAnAddressOfOneMachineAndAPort) {
  EXPECT_EQ(parse_advertise("http://[fd00::5]:4580/")->url(), "http://[fd00::5]:4580");
  EXPECT_EQ(parse_advertise("http://head.lab:4580")->host, "head.lab");
  for (const char* wrong :
       {"10.0.0.5:4580", "http://10.0.0.5", "https://10.0.0.5:4580", "http://:4580", "http://10.0.0.5:4580/x",
        "http://u@10.0.0.5:4580", "http://10.0.0.5:0", "http://a b:4580", "http://10.0.0.5:4580?"})
    EXPECT_THAT(error_of("advertise: '" + std::string(wrong) + "'\n"),
                HasSubstr("advertise: '" + std::string(wrong) + "' is not http://ADDRESS:PORT"));
  for (const char* all : {"http://0.0.0.0:4580", "http://[::]:4580"})
    EXPECT_THAT(error_of("advertise: '" + std::string(all) + "'\n"),
                HasSubstr("is no address that nodes can be told"));
}

TEST(Config, EphemeralMeansProcessDurabilityUnlessSaid) {
  Config config;
  EXPECT_EQ(config.effective_durability(), storage::Durability::kPower);
  config.ephemeral = true;
  EXPECT_EQ(config.effective_durability(), storage::Durability::kProcess);
  ASSERT_TRUE(apply_yaml(config, "durability: power", "s.yaml"));
  EXPECT_EQ(config.effective_durability(), storage::Durability::kPower);
}

TEST(Config, ThePythonIsTheConfiguredOneElseSageletPythonElseTheActiveEnvironmentElsePython3) {
  ::setenv("SAGELET_PYTHON", "/opt/p", 1);
  ::setenv("VIRTUAL_ENV", "/venv", 1);
  Config config;
  config.pythons = {"mine"};
  choose_python(config);
  EXPECT_THAT(config.pythons, ElementsAre("mine"));
  config.pythons.clear();
  choose_python(config);
  EXPECT_THAT(config.pythons, ElementsAre("/opt/p"));
  ::unsetenv("SAGELET_PYTHON");
  config.pythons.clear();
  choose_python(config);
  EXPECT_THAT(config.pythons, ElementsAre("/venv/bin/python"));
  ::unsetenv("VIRTUAL_ENV");
  config.pythons.clear();
  choose_python(config);
  EXPECT_THAT(config.pythons, ElementsAre("python3"));
}

TEST(Config, SeedBucketsAreNameAndFolder) {
  EXPECT_EQ(parse_seed_bucket("samples=/tmp")->second, "/tmp");
  for (const char* wrong : {"", "samples", "samples=", "=/tmp", "ab=/tmp", "samples=/no/such/folder"})
    EXPECT_FALSE(parse_seed_bucket(wrong)) << wrong;
}

}  // namespace
}  // namespace sagelet
