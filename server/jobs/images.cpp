#include "server/jobs/images.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "fmt/format.h"
#include "server/jobs/algorithms.hpp"

namespace sagelet::jobs {

namespace {

struct Family {
  std::string_view repository;  ///< glob
  std::string_view framework;
};

constexpr std::array kFamilies = {
    Family{"sagemaker-scikit-learn", "scikit-learn"},
    Family{"sagemaker-xgboost", "xgboost"},
    Family{"xgboost", "xgboost"},
    Family{"pytorch-training", "pytorch"},
    Family{"sagemaker-pytorch", "pytorch"},
    Family{"tensorflow-training", "tensorflow"},
    Family{"sagemaker-tensorflow*", "tensorflow"},
    Family{"huggingface-*-training", "huggingface"},
    Family{"mxnet-training", "mxnet"},
    Family{"sagemaker-mxnet", "mxnet"},
    Family{"sagemaker-chainer", "chainer"},
    Family{"autogluon-training", "autogluon"},
    Family{"sagemaker-base-python-*", "python"},
    Family{"sagemaker-distribution*", "python"},
};

struct Parts {
  std::string_view registry, repository, tag;
};

/// <registry>/<repository>[:<tag>][@<digest>]; the registry is empty when there is none.
Parts split(std::string_view image) {
  Parts parts;
  image = image.substr(0, image.find('@'));
  const auto slash = image.find('/');
  if (slash != std::string_view::npos) {
    parts.registry = image.substr(0, slash);
    image.remove_prefix(slash + 1);
  }
  const auto colon = image.find(':');
  parts.repository = image.substr(0, colon);
  if (colon != std::string_view::npos) parts.tag = image.substr(colon + 1);
  return parts;
}

bool is_ecr(std::string_view registry) {
  const auto digits = registry.find_first_not_of("0123456789");
  return digits == 12 && (glob("*.dkr.ecr.*", registry) || glob("*.dkr.ecr-fips.*", registry));
}

int to_number(std::string_view digits) {
  int number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

/// 11 of "...-py311-..."; 0 of "py3" and of tags without one.
int minor_of_tag(std::string_view tag) {
  const auto at = tag.find("-py3");
  return at == std::string_view::npos ? 0 : to_number(tag.substr(at + 4));
}

bool has_script(const JobSpec& spec) {
  return !spec.entrypoint.empty() || spec.hyperparameters.contains("sagemaker_program") ||
         spec.environment.contains("SAGEMAKER_PROGRAM");
}

constexpr std::string_view kKnown =
    "sagemaker-scikit-learn, sagemaker-xgboost, pytorch-training, tensorflow-training, "
    "huggingface-*-training, "
    "mxnet-training, sagemaker-chainer, autogluon-training, sagemaker-base-python-*";

/// `engine`: what the local engine said.
Error unknown_image(const std::string& image, EngineImages& engine, EngineImages::Answer answer) {
  const auto docker = answer == EngineImages::Answer::kNoEngine
                          ? fmt::format("No docker engine answers ({}).", engine.why())
                          : "The docker engine does not have it.";
  return Error(ErrorKind::kInvalid, fmt::format("Nothing says what to run for the image {0}. {1} Build it "
                                                "under this name (docker build -t {0} .), push it to "
                                                "this server, or map it in sagelet.yaml: images: [ {{ match: "
                                                "\"{0}\", process: {{ python: /path/to/python }} }} "
                                                "], or docker: <image>. Known without a rule are AWS's "
                                                "framework images ({2}): they run by a Python of this "
                                                "machine.",
                                                image, docker, kKnown));
}

Error no_engine(const std::string& image, const std::string& why) {
  return Error(
      ErrorKind::kInvalid,
      fmt::format("The image {} runs in docker, but no docker engine answers ({}). Start docker, or set "
                  "DOCKER_HOST=unix:///path/to/socket for the server.",
                  image, why));
}

Status use(Result<Interpreter> interpreter, std::string_view framework, JobSpec& spec) {
  if (!interpreter) return Error(ErrorKind::kInvalid, interpreter.error().message());
  spec.sandbox = "process";
  spec.python = interpreter->path;
  spec.framework = framework;
  if (has_script(spec)) return {};
  spec.algorithm = algorithm_of(framework);
  for (MetricSpec& metric : metrics_of(spec.algorithm)) spec.metrics.push_back(std::move(metric));
  return {};
}

Status use_docker(std::string image, EngineImages& engine, JobSpec& spec) {
  spec.sandbox = "docker";
  spec.docker_image = std::move(image);
  spec.docker_socket = engine.socket();
  spec.python.clear();
  spec.framework.clear();
  spec.algorithm.clear();
  return {};
}

/// @remote's job ends at once where its Python is not the caller's.
Result<Interpreter> interpreter_for(const JobSpec& spec, Interpreters& interpreters) {
  const bool remote = std::ranges::find(spec.arguments, "--client_python_version") != spec.arguments.end();
  return remote ? interpreters.of_version(python_minor(spec)) : interpreters.pick(python_minor(spec));
}

}  // namespace

bool glob(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p, ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

std::string_view framework_of(std::string_view image) {
  const auto parts = split(image);
  if (!is_ecr(parts.registry)) return {};
  const auto* family = std::ranges::find_if(
      kFamilies, [&](const Family& candidate) { return glob(candidate.repository, parts.repository); });
  return family == kFamilies.end() ? std::string_view() : family->framework;
}

int python_minor(const JobSpec& spec) {
  const auto option = std::ranges::find(spec.arguments, "--client_python_version");
  if (option != spec.arguments.end() && option + 1 != spec.arguments.end() && (option + 1)->starts_with("3."))
    return to_number(std::string_view(*(option + 1)).substr(2));
  const auto parts = split(spec.image);
  constexpr std::string_view kBase = "sagemaker-base-python-3";
  if (parts.repository.starts_with(kBase)) return to_number(parts.repository.substr(kBase.size()));
  return minor_of_tag(parts.tag);
}

Status map_image(const ImageSources& sources, Interpreters& interpreters, JobSpec& spec) {
  const auto framework = framework_of(spec.image);
  const auto& engine = sources.engine;
  for (const auto& rule : sources.rules) {
    if (!glob(rule.match, spec.image)) continue;
    if (rule.docker.empty())
      return use(rule.python.empty() ? interpreter_for(spec, interpreters) : interpreters.find(rule.python),
                 framework, spec);
    if (sources.engine.insist(rule.docker) == EngineImages::Answer::kNoEngine)
      return no_engine(spec.image, engine.why());
    return use_docker(rule.docker, sources.engine, spec);
  }
  const auto local = framework.empty() ? sources.engine.insist(spec.image) : sources.engine.look(spec.image);
  if (local == EngineImages::Answer::kHas) return use_docker(spec.image, sources.engine, spec);
  if (auto pushed = sources.registry ? sources.registry(spec.image) : std::string(); !pushed.empty()) {
    if (local == EngineImages::Answer::kNoEngine) return no_engine(spec.image, engine.why());
    spec.own_registry = true;
    return use_docker(std::move(pushed), sources.engine, spec);
  }
  if (framework.empty()) return unknown_image(spec.image, sources.engine, local);
  return use(interpreter_for(spec, interpreters), framework, spec);
}

}  // namespace sagelet::jobs
