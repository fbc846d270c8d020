package dev.come.cli;

import dev.come.UsageException;
import dev.come.job.Resumption;
import picocli.CommandLine.Option;

/** What becomes of an interrupted run, for every command that keeps what it has done. */
final class ResumptionOptions {
    @Option(names = "--resume", description = {
        "Go on with an interrupted run that had the same settings. This happens without the option too; with it, the "
                + "command says so when there is no such run."})
    private boolean resume;

    @Option(names = "--restart",
            description = "Discard the work of an interrupted run, whatever its settings, and begin anew.")
    private boolean restart;

    Resumption resumption() {
        if (resume && restart) {
            throw new UsageException(
                    "--resume goes on with an interrupted run and --restart discards it; give one of them");
        }
        return restart ? Resumption.RESTART : resume ? Resumption.ASKED_FOR : Resumption.GO_ON;
    }
}
