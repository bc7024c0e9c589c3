import ArgumentParser
import LogModel
import Testing

@testable import logagent

@Suite("Flags of logs")
struct LogsOptionsTests {
  private func options(_ arguments: [String]) throws -> LogsOptions {
    try #require(try Logagent.parseAsRoot(["logs"] + arguments) as? LogsCommand).options
  }

  @Test("a line of stacktape logs is taken as it is, in every form of its aliases")
  func aliases() throws {
    let forms: [[String]] = [
      ["--resourceName", "api", "--startTime", "30m", "--limit", "50", "--container", "web"],
      ["-rn", "api", "-st", "30m", "-lim", "50", "-cnt", "web"],
      ["--rn", "api", "--st", "30m", "--lim", "50", "--cnt", "web"],
      ["--rn=api", "--since", "30m", "-n", "50", "-c", "web"],
      ["-rn", "api", "-S", "30m", "--tail", "50", "-c", "web"],
    ]
    for form in forms {
      let options = try options(form + ["-s", "prod", "-r", "eu-west-1", "-f", "ERROR"])
      #expect(options.resourceName == ["api"])
      #expect(options.startTime == "30m")
      #expect(options.limit == "50")
      #expect(options.container == "web")
      #expect(options.stage == "prod")
      #expect(options.region == "eu-west-1")
      #expect(options.filter == "ERROR")
    }
  }

  @Test("what Stacktape's other flags say is accepted")
  func ignored() throws {
    let options = try options([
      "-prj", "shop", "-p", "default", "-aa", "main", "-ll", "debug", "-cp", "x.yml", "-cwd",
      "/srv",
      "-rw", "-ag", "-ofmt", "jsonl",
    ])
    #expect(options.projectName == "shop" && options.profile == "default")
    #expect(options.awsAccount == "main" && options.logLevel == "debug")
    #expect(options.configPath == "x.yml" && options.currentWorkingDirectory == "/srv")
    #expect(options.raw && options.agent && options.view.outputFormat == .jsonl)
  }

  @Test("ours have long and short forms that take nothing from Stacktape's")
  func ownForms() throws {
    let options = try options([
      "api", "-g", "-x", "-e", "-y", "-i", "-H", "z", "-A", "1", "-B", "2", "-t", "unix", "-z",
      "UTC", "--no-pager", "--no-prefix", "--level", "warn+", "--stream", "stderr",
    ])
    #expect(options.match.grep == ["-x"] && options.match.exclude == ["-y"])
    #expect(options.match.ignoreCase && options.view.highlight == ["z"])
    #expect(options.match.context?.before == 2 && options.match.context?.after == 1)
    #expect(options.view.timestamps == .unix && options.view.pager == false)
    #expect(options.view.prefix == false && options.match.stream == .stderr)
    #expect(options.match.level?.levels == [.init(.warn), .init(.error), .init(.fatal)])
  }

  @Test("following can be said and unsaid, for both commands")
  func following() throws {
    func follows(_ arguments: String...) throws -> Bool? {
      let command = try Logagent.parseAsRoot(arguments)
      return (command as? LogsCommand)?.follow ?? (command as? TailCommand)?.follow
    }
    #expect(try follows("logs", "api") == false && follows("logs", "api", "-F") == true)
    #expect(try follows("logs", "api", "--follow") == true)
    #expect(try follows("logs", "api", "--no-follow") == false)
    #expect(try follows("tail", "api") == true && follows("tail", "api", "--no-follow") == false)
  }

  @Test("a filter may begin with a minus", arguments: ["-f", "--filter"])
  func exclusion(_ flag: String) throws {
    #expect(try options([flag, "-DEBUG", "api"]).filter == "-DEBUG")
    #expect(try options([flag, "- \"not found\""]).filter == "- \"not found\"")
  }

  @Test(
    "an unknown flag and a bad value are usage errors",
    arguments: [["--grepp", "x"], ["-o", "xml"], ["--color", "sometimes"], ["--level", "loud"]]
  )
  func usage(_ arguments: [String]) {
    #expect {
      _ = try options(arguments)
    } throws: {
      Logagent.exitCode(for: $0).rawValue == 64
    }
  }

  @Test(
    "what cannot be answered is refused with 64 before anything is read",
    arguments: [
      (["-ti", "x"], "templateId"),
      (["--head", "5", "--limit", "5"], "--head and --limit"),
      (["--cursor-file", "x", "-n", "5"], "--limit and a cursor"),
      (["--reverse", "-C", "1"], "--reverse"),
      (["--reverse", "--limit", "all"], "--reverse"),
    ]
  )
  func refused(_ arguments: [String], _ words: String) throws {
    let options = try options(arguments)
    do {
      try LogsRun(options, follows: false).run()
      Issue.record("accepted")
    } catch let failure as CommandFailure {
      #expect(failure.status == 64)
      #expect(failure.message.contains(words))
    }
  }

  @Test("one answer cannot be followed", arguments: ["--raw", "--agent", "--count", "--reverse"])
  func followRefused(_ flag: String) throws {
    let options = try options([flag])
    #expect {
      try LogsRun(options, follows: true).run()
    } throws: {
      ($0 as? CommandFailure)?.status == 64
    }
  }
}
