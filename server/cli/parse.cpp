// The only file that includes CLI11: declares every option and hands over to the sub-commands.
#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "CLI/CLI.hpp"
#include "fmt/format.h"
#include "server/cli/commands.hpp"
#include "server/cli/flags.hpp"
#include "server/cli/terminal.hpp"
#include "server/cli/version.hpp"

namespace sagelet::cli {

namespace {

constexpr auto kFooter =
    "Start here:   sagelet serve\n"
    "              eval \"$(sagelet env)\"      then run your code, unchanged\n"
    "Or in one go: sagelet exec -- python my_script.py\n"
    "\n"
    "Exit codes: 0 done, 1 refused or not found, 2 wrong usage or config, 3 no server answers,\n"
    "            4 the server could not start; exec gives the command's own (127: not found).";

/// What the words on the command line say, filled in by CLI11.
struct Words {
  ServeFlags flags;
  std::string url, name;
  std::string root, data, file;
  bool unset = false, follow = false, undo = false;
};

/// As the help prints them.
struct Defaults {
  std::string_view port, data;
};
constexpr Defaults kServe{"4577", "$XDG_DATA_HOME/sagelet"}, kExec{"a free one", "a fresh one, thrown away"};

void add_serve_options(CLI::App& app, ServeFlags& flags, const Defaults& defaults) {
  const auto last = CLI::MultiOptionPolicy::TakeLast;
  app.add_option("--host", flags.host, "address to listen on [127.0.0.1]")->multi_option_policy(last);
  app.add_option("--port", flags.port, fmt::format("port; 0 takes a free one [{}]", defaults.port))
      ->check(CLI::Range(0, 65535))
      ->multi_option_policy(last);
  app.add_option("--advertise", flags.advertise,
                 "http://ADDRESS:PORT, a second listener for jobs on a cluster's nodes [none]")
      ->multi_option_policy(last);
  app.add_option("--data", flags.data, fmt::format("folder for records and objects [{}]", defaults.data))
      ->multi_option_policy(last);
  app.add_flag("--ephemeral", flags.ephemeral,
               "a fresh folder, thrown away at the end; jobs stop with the server");
  app.add_option("--config", flags.config,
                 "settings, as jobs.memory_per_job_mb and jobs.network [./sagelet.yaml if there is one]")
      ->multi_option_policy(last);
  app.add_option("--ready-file", flags.ready_file, "gets the URL when the server listens")
      ->multi_option_policy(last);
  app.add_option("--account", flags.account, "account id, 12 digits [000000000000]")
      ->multi_option_policy(last);
  app.add_option("--region", flags.region, "region [us-east-1]")->multi_option_policy(last);
  app.add_option("--auth", flags.auth, "lax: any well-formed signature; strict: verified in full [lax]")
      ->check(CLI::IsMember({"lax", "strict"}))
      ->multi_option_policy(last);
  app.add_option("--seed-bucket", flags.seed_buckets,
                 "NAME=DIR: serve a folder as a read-only bucket; may be repeated")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);
  app.add_option("--s3-upstream", flags.s3_upstream,
                 "URL: buckets that are not here are those of this S3 store, read through a cache")
      ->multi_option_policy(last);
  app.add_flag("--offline", flags.offline, "refuse to reach any host for clients, and name it");
}

CLI::App* add_client(CLI::App& app, Words& words, const std::string& name, const std::string& what) {
  auto* command = app.add_subcommand(name, what);
  command->add_option("--url", words.url, "the server [$SAGELET_URL, else http://127.0.0.1:4577]");
  return command;
}

void add_jobs(CLI::App& app, Words& words) {
  auto* jobs = add_client(app, words, "jobs", "list, describe, stop or interrupt training jobs");
  jobs->require_subcommand(0, 1);
  jobs->add_subcommand("ls", "the newest jobs (the default)")->fallthrough();
  for (const auto& [verb, what] : {std::pair("describe", "one job in full"),
                                   {"stop", "stop a job"},
                                   {"interrupt", "take the machine of a spot job away"}}) {
    auto* command = jobs->add_subcommand(verb, what);
    command->fallthrough();
    command->add_option("JOB", words.name, "the job's name")->required();
  }
}

void add_upkeep(CLI::App& app, Words& words) {
  auto* scrub = add_client(app, words, "scrub", "read every object and compare it with its record");
  scrub->add_option("--data", words.data, "a data folder that no server uses, instead of a server's");
  auto* snapshot = app.add_subcommand("snapshot", "the whole state in one file, and back");
  snapshot->require_subcommand(1);
  auto* save = add_client(*snapshot, words, "save", "save a server's state while it runs");
  save->add_option("FILE", words.file, "replaced as a whole; compressed when it ends in .gz")->required();
  save->add_option("--data", words.data, "a data folder that no server uses, instead of a server's");
  auto* restore = snapshot->add_subcommand("restore", "make a data folder of a saved state");
  restore->add_option("FILE", words.file, "what save has written")->required();
  restore->add_option("--data", words.data, "the folder, empty or not there yet [$XDG_DATA_HOME/sagelet]");
}

void declare(CLI::App& app, Words& words) {
  app.footer(kFooter);
  app.set_version_flag("--version", std::string("sagelet ") + kVersion);
  app.require_subcommand(1);
  add_serve_options(*app.add_subcommand("serve", "run the server until SIGTERM"), words.flags, kServe);
  auto* exec =
      app.add_subcommand("exec", "run a command against a throw-away server: exec [options] -- CMD ARGS");
  exec->prefix_command();
  add_serve_options(*exec, words.flags, kExec);
  auto* env = add_client(app, words, "env", "print the shell commands that point AWS clients here");
  env->add_flag("--unset", words.unset, "print those that undo it");
  auto* setup =
      add_client(app, words, "docker-setup", "let docker push to AWS's name of the registry (as root)");
  setup->add_flag("--undo", words.undo, "take it back");
  setup->add_option("--root", words.root, "a folder that stands for /, where an image is built");
  add_client(app, words, "status", "what runs, and where");
  add_jobs(app, words);
  auto* logs = add_client(app, words, "logs", "a job's log");
  logs->add_option("JOB", words.name, "the job's name")->required();
  logs->add_flag("-f,--follow", words.follow, "go on until the job ends");
  add_client(app, words, "reset", "stop all jobs, drop all records and objects");
  add_upkeep(app, words);
  add_client(app, words, "doctor", "what works on this machine, and what to change");
}

int complain(const Error& error) {
  fmt::print(stderr, "sagelet: {}\n", error.message());
  return kUsage;
}

/// CLI11 itself would only miss a sub-command.
bool is_unknown(const CLI::App& app, const std::string& word) {
  const auto known = app.get_subcommands([](const CLI::App*) { return true; });
  return !word.starts_with('-') &&
         std::ranges::none_of(known, [&](const CLI::App* one) { return one->get_name() == word; });
}

int run_serve(const Words& words, const ServeHook& hook) {
  auto config = make_config(words.flags);
  if (!config) return complain(config.error());
  return serve(std::move(*config), hook);
}

/// `after` is what came after "--"; without it, the command starts at the first word that is no option.
int run_exec(const Words& words, std::vector<std::string> before, std::vector<std::string> after,
             const CLI::App& parsed) {
  auto command = parsed.remaining();
  before.resize(before.size() - std::min(before.size(), command.size()));
  command.insert(command.end(), after.begin(), after.end());
  if (command.empty())
    return complain(Error(ErrorKind::kInvalid, "exec: no command; say sagelet exec -- CMD ARGS"));
  auto flags = words.flags;
  flags.ephemeral = flags.ephemeral || !flags.data;
  if (auto config = make_config(flags); !config) return complain(config.error());
  return exec({std::move(before), flags.data.has_value(), std::move(command)});
}

int run_jobs(const CLI::App& jobs, const Words& words) {
  const auto target = target_of(words.url);
  if (jobs.got_subcommand("describe")) return jobs_describe(target, words.name);
  if (jobs.got_subcommand("stop")) return jobs_stop(target, words.name);
  if (jobs.got_subcommand("interrupt")) return jobs_interrupt(target, words.name);
  return jobs_ls(target);
}

int run_snapshot(const CLI::App& snapshot, const Words& words, const OfflineHooks& offline) {
  if (snapshot.got_subcommand("restore")) return snapshot_restore(words.file, words.data, offline);
  return snapshot_save(target_of(words.url), words.data, words.file, offline);
}

int run_client(const CLI::App& command, const Words& words, const OfflineHooks& offline) {
  const auto target = target_of(words.url);
  const auto& name = command.get_name();
  if (name == "env") return env({target, words.unset});
  if (name == "docker-setup") return docker_setup({target, words.undo, words.root});
  if (name == "status") return status(target);
  if (name == "jobs") return run_jobs(command, words);
  if (name == "logs") return logs(target, words.name, words.follow);
  if (name == "reset") return reset(target);
  if (name == "scrub") return scrub(target, words.data, offline);
  if (name == "snapshot") return run_snapshot(command, words, offline);
  return doctor(target);
}

}  // namespace

int run(int argc, char** argv, const ServeHook& hook, const OfflineHooks& offline) {
  std::vector<std::string> before(argv + std::min(argc, 1), argv + argc), after;
  // Everything behind "--" is exec's command, whatever it looks like.
  const auto dashes = std::ranges::find(before, "--");
  if (!before.empty() && before.front() == "exec" && dashes != before.end()) {
    after.assign(dashes + 1, before.end());
    before.erase(dashes, before.end());
  }
  CLI::App app("A local SageMaker: AWS's APIs on localhost, and jobs that really run.", "sagelet");
  Words words;
  declare(app, words);
  if (!before.empty() && is_unknown(app, before.front()))
    return complain(Error(ErrorKind::kInvalid,
                          fmt::format("there is no command {}: sagelet --help lists them", before.front())));
  try {
    app.parse(std::vector<std::string>(before.rbegin(), before.rend()));
  } catch (const CLI::ParseError& wrong) {  // --help and --version come this way too
    return app.exit(wrong) == 0 ? kOk : kUsage;
  }
  const auto* command = app.get_subcommands().front();
  if (command->get_name() == "serve") return run_serve(words, hook);
  if (command->get_name() == "exec")
    return run_exec(words, {before.begin() + 1, before.end()}, std::move(after), *command);
  return run_client(*command, words, offline);
}

}  // namespace sagelet::cli
