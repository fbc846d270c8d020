package dev.come.cli;

import dev.come.ByteSize;
import dev.come.InvalidInputException;
import dev.come.UsageException;
import dev.come.job.Inspection;
import dev.come.job.Inspection.LayerRange;
import dev.come.job.InspectionJson;
import dev.come.job.Making;
import dev.come.job.ModelSource;
import dev.come.model.AttentionKind;
import dev.come.model.ModelConfig;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code come inspect}: tells what a model is. */
@Command(name = "inspect", description = {"Describe a model and its faults; reads headers only.",
    "Ends with exit code 3 if it cannot be used."},
        footer = {"", "Example:",
            "  come inspect HuggingFaceTB/SmolLM2-135M"})
final class InspectCommand implements Runnable {
    @ParentCommand
    private Main main;

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "MODEL", arity = "0..1",
            description = "Folder of the model, its GGUF file, or its name on the Hugging Face hub.")
    private @Nullable String model;

    @Option(names = {"--model-name", "--model"}, paramLabel = "MODEL",
            description = "The same, as the other commands have it.")
    private @Nullable String named;

    @Option(names = "--revision", paramLabel = "REV", description = "Branch, tag or commit of a model on the hub.")
    private @Nullable String revision;

    @Mixin
    private JsonOption json = new JsonOption();

    @Override
    public void run() {
        if ((model == null) == (named == null)) {
            throw new UsageException(model == null
                    ? "MODEL is missing: a folder, a GGUF file, or a name on the Hugging Face hub"
                    : "MODEL and --model both name a model; keep one of them");
        }
        String wanted = model == null ? Objects.requireNonNull(named) : model;
        Inspection inspection = new ModelSource(wanted, Optional.ofNullable(revision))
                .inspect(() -> main.hub(spec.commandLine().getErr()));
        PrintWriter out = json.text();
        lines(inspection).forEach(out::println);
        json.print(() -> InspectionJson.text(inspection));
        if (!inspection.problems().isEmpty()) {
            throw new InvalidInputException(wanted + " cannot be used as it is; the problems are listed above");
        }
    }

    private static List<String> lines(Inspection inspection) {
        List<String> lines = new ArrayList<>();
        lines.add("model       " + inspection.model());
        lines.add("            " + String.join(", ", inspection.architectures()) + " (model_type "
                + inspection.modelType() + ")");
        inspection.config().ifPresent(config -> lines.addAll(sizes(config)));
        lines.add("parameters  " + number(inspection.parameters()) + parts(inspection));
        lines.add("stored as   " + inspection.packed()
                .map(packed -> stored(packed.tensorsByType().keySet(), packed.bytes()) + "; unpacked ").orElse("")
                + stored(inspection.tensorsByType().keySet().stream().map(Enum::name).toList(),
                        inspection.weightBytes()));
        for (LayerRange range : inspection.layers()) {
            lines.add("attention   " + name(range) + ": " + describe(range.attention()));
        }
        inspection.tokenizer()
                .ifPresent(tokenizer -> lines.add("tokenizer   " + number(tokenizer.vocabularySize()) + " ids; "
                        + (tokenizer.beginsWithSpecialToken() ? "puts a token in front of" : "puts nothing in front of")
                        + " a text"));
        inspection.making().ifPresent(making -> lines.addAll(lines(making)));
        inspection.remarks().forEach(remark -> lines.add("remark      " + remark));
        inspection.problems().forEach(problem -> lines.add("problem     " + problem));
        return lines;
    }

    private static List<String> lines(Making making) {
        List<String> lines = new ArrayList<>();
        lines.add("pruned      by " + making.method() + " from " + making.denseModel() + ", which has "
                + making.denseLayers() + " layers");
        making.chosenOn().ifPresent(other -> lines.add("            layers were chosen on " + other));
        add(lines, "removed", making.removed().stream().map(String::valueOf).toList());
        add(lines, "merged", making.merged());
        add(lines, "refitted", making.refitted());
        add(lines, "distilled", making.distilled());
        return lines;
    }

    private static void add(List<String> lines, String what, List<String> layers) {
        if (!layers.isEmpty()) {
            lines.add(String.format(Locale.ROOT, "%-12s%s", what, String.join(", ", layers)));
        }
    }

    private static List<String> sizes(ModelConfig config) {
        return List.of("layers      " + config.layers() + ", each " + number(config.layerParameters()) + " parameters",
                "hidden      " + config.hiddenSize() + ", feed-forward " + config.intermediateSize() + " ("
                        + config.activation() + ")",
                "heads       " + config.heads() + " of " + config.headDim() + ", key-value heads "
                        + config.keyValueHeads(),
                "vocabulary  " + number(config.vocabularySize()) + ", embeddings "
                        + (config.tiedEmbeddings() ? "tied" : "not tied"),
                "positions   " + number(config.maxPositions())
                        + (config.learnedPositions() ? ", learned" : ", rotary"));
    }

    private static String stored(Collection<String> types, long bytes) {
        return String.join(", ", types) + ", " + ByteSize.format(bytes);
    }

    private static String parts(Inspection inspection) {
        return inspection.parametersByPart().entrySet().stream()
                .map(part -> part.getKey() + " " + String.format(Locale.ROOT, "%.1f %%",
                        100.0 * part.getValue() / inspection.parameters()))
                .collect(Collectors.joining(", ", ": ", ""));
    }

    private static String name(LayerRange range) {
        return range.first() == range.last()
                ? "layer " + range.first()
                : "layers " + range.first() + " to " + range.last();
    }

    private static String describe(AttentionKind kind) {
        String window = kind.window() == AttentionKind.EVERYTHING
                ? "all tokens before"
                : "the last " + number(kind.window()) + " tokens";
        return window + kind.rotary().map(rotary -> ", rotary base " + number((long) rotary.theta())).orElse("");
    }

    private static String number(long value) {
        return String.format(Locale.ROOT, "%,d", value);
    }
}
