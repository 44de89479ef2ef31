#pragma once
// What `serve` and `exec` are told: sagelet.yaml and the command line as one value, the command line above
// the file.
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "server/auth/auth.hpp"
#include "server/jobs/jobs.hpp"
#include "server/storage/ledger.hpp"

namespace sagelet {

/// `advertise:`: where the nodes of a cluster reach this server.
struct Advertise {
  std::string host;  ///< without brackets
  std::uint16_t port = 0;
  std::string url() const;  ///< http://10.0.0.5:4580
};

struct Config {
  std::string host = "127.0.0.1";
  int port = 4577;                     ///< 0: a free one
  std::optional<Advertise> advertise;  ///< a second listener, for nodes; none: there is none
  std::filesystem::path data;          ///< empty: default_data_folder(), or a fresh one with `ephemeral`
  bool ephemeral = false;              ///< data goes and jobs stop when the server does
  std::filesystem::path ready_file;    ///< gets the URL once we listen; empty: none
  std::string account = "000000000000";
  std::string region = "us-east-1";
  bool offline = false;  ///< the proxy refuses names we do not serve
  storage::Durability durability = storage::Durability::kPower;
  bool durability_given = false;  ///< else `ephemeral` means kProcess

  auth::Mode auth = auth::Mode::kLax;
  std::vector<auth::Key> keys;
  std::chrono::seconds clock_skew{900};
  std::vector<std::string> allowed_hosts;

  std::vector<std::pair<std::string, std::filesystem::path>>
      seed_buckets;                                           ///< name, folder; last of a name wins
  std::map<std::string, std::filesystem::path> file_systems;  ///< FileSystemId, or "*", to a local folder
  std::vector<jobs::ImageRule> images;
  std::vector<std::string> pythons;  ///< as configured or found: paths, or names to look up on PATH
  struct S3 {
    std::chrono::milliseconds lifecycle_day{std::chrono::hours(24)};
    std::string notifications_webhook;  ///< a URL; empty: events are not sent
  } s3;
  struct Upstream {
    std::string url;  ///< of another S3 store; empty: none
    std::string region = "us-east-1";
    std::string access_key, secret_key;  ///< empty: AWS_ACCESS_KEY_ID and its kin of the server
    std::vector<std::string> buckets;    ///< empty: every one that is not ours
    bool write_through = false;
    std::uint64_t cache_limit = 100ull << 30;  ///< bytes
    std::chrono::seconds revalidate_after{60};
  } upstream;
  struct Jobs {
    double cores_per_job = 0;
    std::uint64_t memory_per_job = 0;  ///< bytes; 0: by instance type
    std::chrono::seconds stop_grace{120};
    std::chrono::hours keep_failed{72};
    std::uint64_t log_spool_limit = 1ull << 30;
    std::string network;  ///< of several hosts: "private" or "loopback"; empty: SAGELET_NETWORK, else private
    std::chrono::milliseconds spot_interrupt_after{0};  ///< 0: spot jobs keep their machine
  } jobs;
  bool on_slurm = false;  ///< `placement: slurm`
  jobs::slurm::Settings slurm;

  /// `durability`, or what goes with `ephemeral` when none was given.
  storage::Durability effective_durability() const;
};

/// Puts what `yaml` says into `config`. Relative paths are taken from the file's folder. Every error is
/// kInvalid and reads "<file>:<line>: <key>: <what was expected>".
Status apply_yaml(Config& config, std::string_view yaml, const std::filesystem::path& file);
/// Reads the file first.
Status apply_file(Config& config, const std::filesystem::path& file);

/// `$XDG_DATA_HOME/sagelet`, else `~/.local/share/sagelet`.
std::filesystem::path default_data_folder();
/// When no `pythons` were configured: SAGELET_PYTHON, else VIRTUAL_ENV's python, else "python3" (looked up by
/// jobs when the first job needs it; nothing is started here).
void choose_python(Config& config);

bool is_account_id(std::string_view text);  ///< 12 digits
bool is_region(std::string_view text);      ///< us-east-1, or what looks like one

/// Without a slash at its end. kInvalid when it is not http(s)://host[:port].
Result<std::string> parse_upstream_url(std::string_view text);
/// http://ADDRESS:PORT. kInvalid says what is wrong, with "no address that nodes can be told" for 0.0.0.0.
Result<Advertise> parse_advertise(std::string_view text);
/// NAME=DIR. kInvalid says what is wrong.
Result<std::pair<std::string, std::filesystem::path>> parse_seed_bucket(std::string_view text);

}  // namespace sagelet
