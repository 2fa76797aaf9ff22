#include "integration/program.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

extern char** environ;

namespace llmq::test {
namespace {

std::atomic<int> next_number{1};

int open_stream(const std::string& path, int flags) {
  return ::open(path.c_str(), flags | O_CLOEXEC, 0600);
}

}  // namespace

Directory::Directory() {
  std::string pattern = ::testing::TempDir() + "llmq-XXXXXX";
  root_ = ::mkdtemp(pattern.data());
}

Directory::~Directory() {
  std::error_code ignored;
  std::filesystem::remove_all(root_, ignored);
}

std::string Directory::write(const std::string& name, const std::string& text) const {
  std::ofstream(path(name), std::ios::binary) << text;
  return path(name);
}

std::string Directory::read(const std::string& name) const {
  std::ifstream file(path(name), std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool Directory::has(const std::string& name) const { return std::filesystem::exists(path(name)); }

Program::Program(const Directory& directory, const Arguments& arguments,
                 const Environment& environment, const std::string& input,
                 const std::string& output)
    : directory_(directory), number_(next_number++) {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    if (text.rfind("LLMQ_", 0) != 0 && text.rfind("OPENAI_", 0) != 0) variables.push_back(text);
  }
  for (const auto& [name, value] : environment) variables.push_back(name + "=" + value);
  std::vector<char*> envp;
  for (std::string& variable : variables) envp.push_back(variable.data());
  envp.push_back(nullptr);
  std::vector<std::string> words{LLMQ_PROGRAM};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const int in = open_stream(directory.write(stream("in"), input), O_RDONLY);
  const std::string out_path = output.empty() ? directory.path(stream("out")) : output;
  const int out = open_stream(out_path, O_WRONLY | O_CREAT | O_TRUNC);
  const int err = open_stream(directory.path(stream("err")), O_WRONLY | O_CREAT | O_TRUNC);
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(in, STDIN_FILENO);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(err, STDERR_FILENO);
    ::execve(argv[0], argv.data(), envp.data());
    ::_exit(127);
  }
  for (const int fd : {in, out, err}) ::close(fd);
}

Program::~Program() {
  if (ended_) return;
  ::kill(pid_, SIGKILL);
  wait();
}

void Program::signal(int number) const { ::kill(pid_, number); }

int Program::wait() {
  if (ended_) return code_;
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  ended_ = true;
  code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return code_;
}

std::string Program::out() const { return directory_.read(stream("out")); }
std::string Program::err() const { return directory_.read(stream("err")); }

bool Program::wait_for(const std::string& name, const std::string& text) {
  const std::string file = name == "out" || name == "err" ? stream(name.c_str()) : name;
  for (;;) {  // a file gives no event that is portable; the test's own time-out bounds this
    if (directory_.read(file).find(text) != std::string::npos) return true;
    siginfo_t info{};
    if (ended_ ||
        (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid != 0)) {
      return directory_.read(file).find(text) != std::string::npos;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

namespace {

Arguments mock_arguments(const Directory& directory, const Arguments& options) {
  Arguments all{"mock", "--stats", directory.path("stats.json")};
  all.insert(all.end(), options.begin(), options.end());
  return all;
}

}  // namespace

Mock::Mock(const Directory& directory, const Arguments& options)
    : directory_(directory), program_(directory, mock_arguments(directory, options)) {
  EXPECT_TRUE(program_.wait_for("out", "\n")) << program_.err();
  const std::string line = program_.out();
  const size_t begin = line.find("http://");
  url_ = begin == std::string::npos ? "" : line.substr(begin, line.find('\n') - begin);
}

base::Json Mock::stats() const {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(std::stoi(url_.substr(url_.rfind(':') + 1))));
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  const std::string asked = "GET /stats HTTP/1.0\r\n\r\n";
  EXPECT_EQ(::send(socket, asked.data(), asked.size(), 0), static_cast<ssize_t>(asked.size()));
  std::string answer;
  char piece[4096];
  for (ssize_t size = 0; (size = ::recv(socket, piece, sizeof piece, 0)) > 0;) {
    answer.append(piece, static_cast<size_t>(size));
  }
  ::close(socket);
  const size_t head = answer.find("\r\n\r\n");
  EXPECT_NE(head, std::string::npos) << answer;
  return base::Json(cJSON_Parse(answer.substr(std::min(head, answer.size())).c_str()));
}

void Mock::wait_for(const char* name, double count) const {
  while (number(stats(), name) < count && !testing::Test::HasFailure()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // it tells of no event
  }
}

base::Json Mock::stop() {
  program_.signal(SIGTERM);
  EXPECT_EQ(program_.wait(), 0) << program_.err();
  return base::Json(cJSON_Parse(directory_.read("stats.json").c_str()));
}

double number(const base::Json& json, const char* name) {
  const cJSON* item = cJSON_GetObjectItemCaseSensitive(json.get(), name);
  EXPECT_TRUE(cJSON_IsNumber(item)) << name;
  return cJSON_IsNumber(item) ? item->valuedouble : -1;
}

double status_count(const base::Json& stats, const char* status) {
  const cJSON* statuses = cJSON_GetObjectItemCaseSensitive(stats.get(), "statuses");
  const cJSON* item = cJSON_GetObjectItemCaseSensitive(statuses, status);
  return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

std::vector<base::Json> json_lines(const std::string& text) {
  std::vector<base::Json> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    lines.emplace_back(cJSON_ParseWithOpts(line.c_str(), nullptr, 1));
    EXPECT_TRUE(cJSON_IsObject(lines.back().get())) << line;
  }
  EXPECT_TRUE(text.empty() || text.back() == '\n') << "the last line is torn";
  return lines;
}

std::string chat_line(const std::string& custom_id, const std::string& content, int max_tokens) {
  return R"({"custom_id":")" + custom_id +
         R"(","method":"POST","url":"/v1/chat/completions","body":{"model":"m","messages":[{"role":"user",)"
         R"("content":")" +
         content + R"("}],"max_tokens":)" + std::to_string(max_tokens) + "}}\n";
}

std::string chat_lines(int count, int max_tokens) {
  std::string all;
  for (int i = 0; i < count; ++i)
    all += chat_line("id-" + std::to_string(i), "Hello there", max_tokens);
  return all;
}

}  // namespace llmq::test
