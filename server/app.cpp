#include "server/app.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/ids.hpp"
#include "base/log.hpp"
#include "base/time_text.hpp"
#include "fmt/format.h"
#include "nlohmann/json.hpp"
#include "server/authorities.hpp"
#include "server/data_folder.hpp"
#include "server/gateway/door.hpp"
#include "server/gateway/gateway.hpp"
#include "server/gateway/proxy_policy.hpp"
#include "server/images/store.hpp"
#include "server/job_environment.hpp"
#include "server/jobs/jobs.hpp"
#include "server/net/server.hpp"
#include "server/services/cloudwatch/service.hpp"
#include "server/services/credentials/store.hpp"
#include "server/services/ecr/service.hpp"
#include "server/services/iam/service.hpp"
#include "server/services/logs/service.hpp"
#include "server/services/registry/known_images.hpp"
#include "server/services/registry/service.hpp"
#include "server/services/registry_login.hpp"
#include "server/services/s3/service.hpp"
#include "server/services/sagemaker/service.hpp"
#include "server/services/sts/service.hpp"
#include "server/storage/ledger.hpp"
#include "server/storage/objects.hpp"
#include "server/upkeep/upkeep.hpp"

namespace sagelet {

namespace {

constexpr std::chrono::seconds kShutdownGrace{10};

std::string environment_of(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::string with_http(const std::string& host, std::uint16_t port) {
  const std::string shown = host == "0.0.0.0" ? "127.0.0.1" : host == "::" ? "::1" : host;
  return shown.find(':') == std::string::npos ? fmt::format("http://{}:{}", shown, port)
                                              : fmt::format("http://[{}]:{}", shown, port);
}

fs::path beside_ourselves(std::string_view program) {
  std::error_code ignored;
  return fs::read_symlink("/proc/self/exe", ignored).parent_path() / program;
}

}  // namespace

namespace {

/// AWS's public sample bucket, as far as the guide's stories need it, unless the config has its own under the
/// name.
void add_samples(Config& config) {
  constexpr std::string_view kSamples = "sagemaker-sample-files";
  for (const auto& [name, folder] : config.seed_buckets)
    if (name == kSamples) return;
  const fs::path folder = beside_ourselves("../share/sagelet") / kSamples;
  if (std::error_code ignored; fs::is_directory(folder, ignored))
    config.seed_buckets.emplace_back(kSamples, folder.lexically_normal());
}

}  // namespace

/// Members are in the order in which they are made; destruction runs backwards, the listener first.
struct App::Rooms {
  Config config;
  std::optional<DataFolder> data;
  SystemClock clock;
  RandomIds ids;
  SteadyTime started = clock.steady();
  std::string url;
  std::unique_ptr<storage::Ledger> ledger;
  std::unique_ptr<storage::ObjectStore> objects;
  std::unique_ptr<upkeep::Upkeep> upkeep;
  std::unique_ptr<CredentialStore> credentials;
  std::unique_ptr<images::ImageStore> images;
  std::unique_ptr<registry::Registry> registry;
  std::unique_ptr<ImagesView> known_images;
  s3::S3 s3;
  std::unique_ptr<Service> cloudwatch, logs, sts, iam, ecr;
  std::unique_ptr<gateway::Door> door;  ///< null: nodes are not let in
  std::unique_ptr<jobs::Jobs> jobs;
  std::unique_ptr<sagemaker::SageMaker> sagemaker;
  std::unique_ptr<auth::Authenticator> authenticator;
  std::unique_ptr<gateway::Gateway> gateway;
  std::unique_ptr<net::Server> server, node_server;

  /// Jobs go on telling their ends until they are gone, which is after their listener.
  ~Rooms() {
    if (jobs) jobs->listen("training", nullptr);
  }

  Status open_storage();
  s3::upstream::Options upstream_options() const;
  Status start_services();
  void start_registry();
  Status start_jobs();
  void make_door();
  void make_gateway();
  Status listen();
  net::ServerOptions listener() const;

  jobs::Options job_options();
  std::string url_for_jobs() const;
  auth::Options auth_options() const;
  std::optional<auth::Caller> session(std::string_view access_key);
  admin::Admin admin();
  http::ProxyPolicy proxy_policy();
  bool owns_account(std::string_view account);
  Status reset();
  std::string status_json();
  std::string doctor_json();
  std::string metrics_text();
  Result<std::string> container_credentials(std::string_view access_key, std::string_view token);
  Status report(std::string_view token, std::string_view json);
};

Result<std::unique_ptr<App>> App::start(const Config& config) {
  auto rooms = std::make_unique<Rooms>();
  rooms->config = config;
  add_samples(rooms->config);
  TRY(rooms->open_storage());
  TRY(rooms->start_services());
  rooms->make_gateway();
  TRY(rooms->listen());
  rooms->jobs->adopt();  // reports may come in from now on
  rooms->sagemaker->resume();
  if (auto swept = rooms->images->sweep(); !swept) log::warn("{}", swept.error().message());
  return std::unique_ptr<App>(new App(std::move(rooms)));
}

App::App(std::unique_ptr<Rooms> rooms) : rooms_(std::move(rooms)) {}

App::~App() {
  shutdown();
}

std::string App::url() const {
  return rooms_->url;
}

void App::shutdown() {
  const auto stop = [](net::Server* server) {
    if (server != nullptr) server->shutdown(kShutdownGrace);
  };
  const std::jthread nodes(stop, rooms_->node_server.get());
  stop(rooms_->server.get());
}

// ---------------------------------------------------------------------------------------------------------------
// The rooms, in the order in which they open

Status App::Rooms::open_storage() {
  if (config.ephemeral && config.data.empty()) {
    TRY(data, DataFolder::temporary());
  } else {
    TRY(data, DataFolder::hold(config.data.empty() ? default_data_folder() : config.data));
  }
  TRY(ledger, storage::Ledger::open(data->ledger(), config.effective_durability()));
  TRY(objects, storage::ObjectStore::open(data->objects(), *ledger));
  upkeep = std::make_unique<upkeep::Upkeep>(*objects, data->path());
  return {};
}

s3::upstream::Options App::Rooms::upstream_options() const {
  const auto& given = config.upstream;
  s3::upstream::Options options{
      given.url,     given.region,        given.access_key,  given.secret_key,      {},
      given.buckets, given.write_through, given.cache_limit, given.revalidate_after};
  if (options.buckets.empty()) options.buckets = {"*"};
  if (!options.access_key.empty()) return options;
  options.access_key = environment_of("AWS_ACCESS_KEY_ID");
  options.secret_key = environment_of("AWS_SECRET_ACCESS_KEY");
  options.session_token = environment_of("AWS_SESSION_TOKEN");
  return options;
}

Status App::Rooms::start_services() {
  credentials = credentials::make_store(*ledger, clock, ids);
  s3::S3Options options;
  options.region = config.region;
  options.notifications_webhook = config.s3.notifications_webhook;
  options.lifecycle_day = config.s3.lifecycle_day;
  options.any_account = config.auth == auth::Mode::kLax;
  for (const auto& key : config.keys) options.accounts.push_back({key.account, key.account_name, key.email});
  for (const auto& [name, folder] : config.seed_buckets) options.seeds.push_back({name, folder});
  options.upstream = upstream_options();
  TRY(s3, s3::make_s3(std::move(options), *objects, clock, ids));
  cloudwatch = cloudwatch::make_cloudwatch(*ledger);
  logs = logs::make_logs(*ledger);
  start_registry();
  sts = sts::make_sts(*credentials);
  iam = iam::make_iam(*ledger);
  make_door();
  TRY(jobs, jobs::Jobs::start(job_options(), *ledger, clock, ids));
  sagemaker =
      sagemaker::make_sagemaker({.ledger = *ledger,
                                 .jobs = *jobs,
                                 .objects = *s3.view,
                                 .credentials = *credentials,
                                 .clock = clock,
                                 .ids = ids,
                                 .options = {.file_systems = config.file_systems,
                                             .warm_pools = data->path() / "warm-pools",
                                             .spot_interrupt_after = config.jobs.spot_interrupt_after}});
  jobs->listen("training", &sagemaker->training_listener());
  return {};
}

void App::Rooms::start_registry() {
  const registry::RegistryOptions options{
      .strict = config.auth == auth::Mode::kStrict, .account = config.account, .region = config.region};
  images = std::make_unique<images::ImageStore>(*objects, clock, ids);
  registry = std::make_unique<registry::Registry>(options, *images, *credentials, clock, ids);
  known_images = registry::make_known_images(*registry, [this] { return url; });
  ecr = ecr::make_ecr(*images, *credentials, registry->layer_urls());
}

/// As nodes of a cluster know us, where jobs run on one.
std::string App::Rooms::url_for_jobs() const {
  return config.on_slurm && config.advertise ? config.advertise->url() : url;
}

jobs::Options App::Rooms::job_options() {
  jobs::Options out;
  out.runner = beside_ourselves("sagelet-runner");
  out.folder = data->jobs();
  out.pip_cache = data->pip_cache();
  out.server_url = [this] { return url_for_jobs(); };
  out.job_environment = [this] {
    const auto bundle = write_bundle(data->authority());
    if (!bundle) log::warn("authorities for jobs: {}", bundle.error().message());
    auto environment =
        job_environment(url_for_jobs(), bundle ? *bundle : data->authority() / "ca.pem", config.offline);
    if (!config.jobs.network.empty()) environment.push_back("SAGELET_NETWORK=" + config.jobs.network);
    return environment;
  };
  out.images = config.images;
  out.known_image = [this](const std::string& image) {
    const auto known = known_images->known_image(image);
    return known ? known->pull_reference : std::string();
  };
  out.pythons = config.pythons;
  out.cores_per_job = config.jobs.cores_per_job;
  out.memory_per_job = config.jobs.memory_per_job;
  out.stop_grace = config.jobs.stop_grace;
  out.keep_failed = config.jobs.keep_failed;
  out.log_spool_limit = config.jobs.log_spool_limit;
  out.stop_jobs_at_exit = config.ephemeral;
  if (door) out.ended = [this](const std::string& job_id) { door->job_ended(job_id); };
  if (config.on_slurm) {
    out.slurm = config.slurm;
    if (!config.slurm.shared.empty()) out.folder = config.slurm.shared;
  }
  return out;
}

auth::Options App::Rooms::auth_options() const {
  auth::Options out;
  out.mode = config.auth;
  out.default_account = config.account;
  out.default_region = config.region;
  out.keys = config.keys;
  out.clock_skew = config.clock_skew;
  out.host = config.host;
  out.allowed_hosts = config.allowed_hosts;
  return out;
}

std::optional<auth::Caller> App::Rooms::session(std::string_view access_key) {
  if (!access_key.starts_with("ASIA")) return std::nullopt;
  auto found = credentials->find(access_key);
  if (!found) return std::nullopt;
  return auth::Caller{.account = found->account,
                      .access_key = found->access_key,
                      .secret_key = found->secret_key,
                      .session_token = found->session_token,
                      .role_arn = found->role_arn,
                      .session_name = found->session_name,
                      .job_id = found->job_id,
                      .expires = found->expires};
}

void App::Rooms::make_door() {
  if (!config.advertise) return;
  gateway::DoorOptions options;
  options.auth = auth_options();
  options.host = config.advertise->host;
  options.sessions = [this](std::string_view access_key) { return session(access_key); };
  options.report_token = [this](const std::string& job_id) { return jobs->token_of(job_id); };
  options.registry_login = [](std::string_view authorization) -> std::optional<http::Basic> {
    auto login = parse_registry_login(authorization);
    if (!login) return std::nullopt;
    return http::Basic{std::move(login->access_key), std::move(login->token)};
  };
  door = std::make_unique<gateway::Door>(std::move(options), clock);
}

void App::Rooms::make_gateway() {
  authenticator = std::make_unique<auth::Authenticator>(
      auth_options(), [this](std::string_view access_key) { return session(access_key); }, clock);
  gateway::Options options;
  options.default_region = config.region;
  options.server_host = config.host;
  options.cors = s3.cors;
  options.door = door.get();
  options.registry = [this] { return registry->exchange(); };
  gateway = std::make_unique<gateway::Gateway>(std::move(options), *authenticator, admin(), clock, ids);
  for (Service* service : std::initializer_list<Service*>{s3.service.get(), sagemaker.get(), cloudwatch.get(),
                                                          logs.get(), sts.get(), iam.get(), ecr.get()})
    gateway->add(service);
}

net::ServerOptions App::Rooms::listener() const {
  net::ServerOptions options;
  options.host = config.host;
  options.port = static_cast<std::uint16_t>(config.port);
  options.io_threads = std::clamp(std::thread::hardware_concurrency(), 1u, 8u);
  options.authority_folder = data->authority();
  return options;
}

/// Nodes have threads and connections of their own: they take no place of anybody else's.
Status App::Rooms::listen() {
  const http::ExchangeFactory exchanges = [this] { return gateway->exchange(); };
  TRY(server, net::Server::start(listener(), exchanges, proxy_policy()));
  url = with_http(config.host, server->port());
  if (!config.advertise) return {};
  net::ServerOptions options = listener();
  options.for_nodes = true;
  options.host = config.advertise->host;
  options.port = config.advertise->port;
  auto nodes = net::Server::start(std::move(options), exchanges, proxy_policy());
  if (!nodes) return std::move(nodes).error().context("advertise");
  node_server = std::move(*nodes);
  return {};
}

/// The default one, those of the config, and those whose repositories are here: the registries of others stay
/// what they are.
bool App::Rooms::owns_account(std::string_view account) {
  const auto has = [account](const auth::Key& key) { return key.account == account; };
  return account == config.account || std::ranges::any_of(config.keys, has) ||
         images->account_is_known(account);
}

http::ProxyPolicy App::Rooms::proxy_policy() {
  gateway::ProxyOptions options;
  options.offline = config.offline;
  options.upstream_url = environment_of("SAGELET_UPSTREAM_PROXY");
  if (options.upstream_url.empty())
    for (const char* name : {"https_proxy", "HTTPS_PROXY"})
      if (options.upstream_url.empty()) options.upstream_url = environment_of(name);
  options.upstream_no_proxy = environment_of("no_proxy");
  if (options.upstream_no_proxy.empty()) options.upstream_no_proxy = environment_of("NO_PROXY");
  options.has_service = [this](std::string_view name) { return gateway->service(name) != nullptr; };
  options.job_token = [this](std::string_view token) {
    const auto colon = token.find(':');  // <access key>:<session token>
    if (colon == std::string_view::npos) return false;
    const auto found = credentials->find(token.substr(0, colon));
    return found && equal_constant_time(found->session_token, token.substr(colon + 1));
  };
  options.door = door.get();
  options.has_registry = [this](std::string_view host) {
    const auto named = images::registry_of_host(host);
    return named && owns_account(named->account);
  };
  return gateway::make_proxy_policy(std::move(options));
}

// ---------------------------------------------------------------------------------------------------------------
// /_sagelet/...

admin::Admin App::Rooms::admin() {
  admin::Admin out;
  out.reset = [this] { return reset(); };
  out.status = [this] { return status_json(); };
  out.doctor = [this] { return doctor_json(); };
  out.metrics = [this] { return metrics_text(); };
  out.authority = [this] { return server->authority_certificate(); };
  out.report = [this](std::string_view token, std::string_view json) { return report(token, json); };
  out.interrupt = [this](std::string_view account, std::string_view region, std::string_view job) {
    const auto done = sagemaker->interrupt(AccountId(std::string(account.empty() ? config.account : account)),
                                           region.empty() ? config.region : region, std::string(job));
    return done ? Status() : Status(Error(ErrorKind::kInvalid, done.error().message()));
  };
  out.scrub = [this] { upkeep->start_scrub(); };
  out.scrub_state = [this] { return upkeep->scrub_json(); };
  out.prepare_snapshot = [this] { return upkeep->prepare_snapshot(); };
  out.drop_snapshot = [this](std::string_view name) { return upkeep->drop_snapshot(name); };
  out.credentials = [this](std::string_view key, std::string_view token) {
    return container_credentials(key, token);
  };
  return out;
}

Status App::Rooms::reset() {
  jobs->clear();
  std::error_code ignored;  // what is left of warm pools goes with the next start
  std::filesystem::remove_all(data->path() / "warm-pools", ignored);
  images->clear();
  return objects->clear();
}

Status App::Rooms::report(std::string_view token, std::string_view json) {
  TRY(const Report parsed, Report::from_json(json));
  return jobs->intake(token, parsed);
}

std::string App::Rooms::status_json() {
  const char* durability = config.effective_durability() == storage::Durability::kPower     ? "power"
                           : config.effective_durability() == storage::Durability::kProcess ? "process"
                                                                                            : "none";
  const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(clock.steady() - started).count();
  const auto counts = jobs->counts();
  nlohmann::json out{{"version", SAGELET_VERSION},
                     {"url", url},
                     {"data", data->path().string()},
                     {"durability", durability},
                     {"account", config.account},
                     {"region", config.region},
                     {"uptime_seconds", uptime},
                     {"pythons", config.pythons},
                     {"jobs", {{"queued", counts.queued}, {"running", counts.running}}}};
  if (config.advertise) out["advertise"] = config.advertise->url();
  return out.dump(2) + "\n";
}

std::string App::Rooms::doctor_json() {
  const auto doctor = jobs->doctor();
  nlohmann::json out{{"sandbox", doctor.sandbox},
                     {"notes", doctor.notes},
                     {"cores", doctor.cores},
                     {"memory", doctor.memory},
                     {"memory_per_job_mb", config.jobs.memory_per_job >> 20},
                     {"network", config.jobs.network}};
  return out.dump(2) + "\n";
}

std::string App::Rooms::metrics_text() {
  const auto& counters = gateway->counters();
  const auto counts = jobs->counts();
  std::string out;
  const auto add = [&out](std::string_view name, std::string_view kind, std::string_view help,
                          std::uint64_t value) {
    out += fmt::format("# HELP sagelet_{0} {1}\n# TYPE sagelet_{0} {2}\nsagelet_{0} {3}\n", name, help, kind,
                       value);
  };
  add("requests_total", "counter", "Requests taken.", counters.requests);
  add("client_errors_total", "counter", "Answers with a 4xx status.", counters.client_errors);
  add("server_errors_total", "counter", "Answers with a 5xx status.", counters.server_errors);
  add("jobs_queued", "gauge", "Jobs that wait for cores.", counts.queued);
  add("jobs_running", "gauge", "Jobs that run.", counts.running);
  const net::Figures figures = server->figures();
  add("connections_total", "counter", "Connections accepted.", figures.connections);
  add("connections_open", "gauge", "Connections that are open.", figures.open_connections);
  add("connections_refused_total", "counter", "Connections over the limit.", figures.refused_connections);
  add("tunnels_total", "counter", "Requests of proxy clients sent on to others.", figures.tunnels);
  if (!node_server) return out;
  const net::Figures nodes = node_server->figures();
  add("node_requests_total", "counter", "Requests of nodes.", nodes.requests);
  add("node_connections_open", "gauge", "Connections of nodes that are open.", nodes.open_connections);
  add("node_connections_refused_total", "counter", "Connections of nodes over the limit.",
      nodes.refused_connections);
  return out;
}

Result<std::string> App::Rooms::container_credentials(std::string_view access_key, std::string_view token) {
  TRY(const SessionCredentials found, credentials->find(access_key));
  if (!equal_constant_time(found.session_token, token)) return Error(ErrorKind::kPermission, "wrong token\n");
  nlohmann::json out{{"RoleArn", found.role_arn},
                     {"AccessKeyId", found.access_key},
                     {"SecretAccessKey", found.secret_key},
                     {"Token", found.session_token},
                     {"Expiration", iso8601_seconds(found.expires)}};
  return out.dump() + "\n";
}

}  // namespace sagelet
