package dev.come.cli;

import dev.come.ByteSize;
import dev.come.Progress;
import dev.come.job.ComputeChoice;
import dev.come.vocabulary.TokenizerCompat;
import java.util.Arrays;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What the computing is done with. */
final class ComputeOptions {
    @Option(names = "--dtype", paramLabel = "TYPE", description = {
        "auto, float32 or bfloat16 (default: ${DEFAULT-VALUE}).",
        "auto: as the checkpoint where the processor multiplies bfloat16 natively, float32 elsewhere."})
    private String type = ComputeChoice.DEFAULT_DTYPE;

    @Option(names = "--device", paramLabel = "DEVICE", description = "cpu, cuda or cuda:N (default: ${DEFAULT-VALUE}).")
    private String device = ComputeChoice.DEFAULT_DEVICE;

    @Option(names = "--threads", paramLabel = "N", description = {
        "Threads to compute with (default: one per processor; 2 with --device cuda, which shares one device)."})
    private @Nullable Integer threads;

    @Option(names = "--memory", paramLabel = "SIZE", description = {
        "Memory for hidden states, that of the device with --device cuda (default: 256MB; there 4GB).",
        "States that do not fit go to a temporary file beside the result, or through in smaller groups."})
    private @Nullable String memory;

    @Option(names = "--tokenizer-compat", paramLabel = "IDS", completionCandidates = Tokenizers.class, description = {
        "Whose ids texts become: file, those of tokenizer.json, or transformers5, those of AutoTokenizer in transformers 5,"
                + " which builds some tokenizers anew (default: file).",
        "come inspect says where they differ."})
    private @Nullable String tokenizers;

    /** The choices of --tokenizer-compat, for completion. */
    static final class Tokenizers extends NamesOf {
        Tokenizers() {
            super(Arrays.stream(TokenizerCompat.values()).map(TokenizerCompat::toString).toList());
        }
    }

    /** Whose ids texts become, where nothing is said. */
    ComputeChoice choice(Progress progress, TokenizerCompat otherwise) {
        return choice(progress).reading(tokenizers == null ? otherwise : TokenizerCompat.of(tokenizers));
    }

    /** @param progress who is told of a choice that helps nobody */
    ComputeChoice choice(Progress progress) {
        boolean processor = device.equals("cpu");
        int processors = Runtime.getRuntime().availableProcessors();
        if (threads != null && processor && threads > processors) {
            progress.note("--threads is " + threads + ", but there are " + processors
                    + " processors: more threads take more memory and no less time.");
        }
        return ComputeChoice.of(type, device, threads == null ? OptionalInt.empty() : OptionalInt.of(threads),
                memory == null ? OptionalLong.empty() : OptionalLong.of(ByteSize.parse("--memory", memory)))
                .reading(tokenizers == null ? TokenizerCompat.FILE : TokenizerCompat.of(tokenizers));
    }
}
