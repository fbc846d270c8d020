package dev.come.cli;

import dev.come.text.CalibrationSet;
import java.util.OptionalInt;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** The texts on which layers are measured. */
final class CalibrationOptions {
    @Option(names = "--calibration-dataset", paramLabel = "NAME",
            description = "wiki2, c4, pg19, bookcorpus, alpaca, mmlu or a path (default: ${DEFAULT-VALUE}).")
    private String dataset = "wiki2";

    @Option(names = "--nsamples", paramLabel = "ROWS",
            description = "Rows of the data set to take; they are joined and cut into windows (default: "
                    + "${DEFAULT-VALUE}).")
    private int samples = 256;

    @Option(names = "--seed", paramLabel = "N",
            description = "Decides which rows are taken (default: ${DEFAULT-VALUE}).")
    private long seed = 10;

    @ArgGroup(validate = false)
    private DataOptions data = new DataOptions();

    CalibrationSet.Options options() {
        return new CalibrationSet.Options(data.source(dataset), samples, OptionalInt.empty(), seed,
                data.sequenceLength());
    }

    DataOptions data() {
        return data;
    }
}
