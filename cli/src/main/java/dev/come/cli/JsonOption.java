package dev.come.cli;

import java.io.PrintWriter;
import java.io.Writer;
import java.util.function.Supplier;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Whether a result is printed for programs: one JSON document on standard output, and nothing else there. */
final class JsonOption {
    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec;

    @Option(names = "--json", description = "Print the result as one JSON document, and nothing else.")
    private boolean json;

    /** Where text goes that people read: nowhere if programs do. */
    PrintWriter text() {
        return json ? new PrintWriter(Writer.nullWriter()) : spec.commandLine().getOut();
    }

    /** Prints the document if it is asked for. */
    void print(Supplier<String> document) {
        if (json) {
            PrintWriter out = spec.commandLine().getOut();
            out.print(document.get());
            out.flush(); // print does not, and the process may end before anyone else does
        }
    }
}
