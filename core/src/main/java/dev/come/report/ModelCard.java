package dev.come.report;

import dev.come.prune.Measurement;
import dev.come.prune.Methods;
import dev.come.prune.PruningPlan;
import dev.come.prune.PruningStep;
import dev.come.stack.LayerStack;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/**
 * The README.md of a pruned model: what it was made from, how, and what was measured.
 *
 * @param denseParameters parameters before
 * @param parameters parameters after
 * @param use what it is for
 * @param licence that of the dense model, if it tells one
 * @param hubDatasets data sets of the hub by the names that the plan calls them by
 */
public record ModelCard(PruningPlan plan, long denseParameters, long parameters, String modelType,
        Use use, Optional<Licence> licence, Map<String, String> hubDatasets) {
    /** The name of the file in the model's folder. */
    public static final String FILE_NAME = "README.md";

    private static final Pattern HUB_NAME = Pattern.compile("[\\w-][\\w.-]*/[\\w-][\\w.-]*");

    /** What a model is for. */
    public enum Use {
        /** It goes on with texts. */
        TEXT("text-generation", CAUSAL),
        /** It goes on with texts and sees images too; the text part was changed. */
        IMAGES("image-text-to-text", WITH_IMAGES),
        /** It only gives states, such as embedding models do. */
        STATES("feature-extraction", STATES_ONLY);

        private final String pipeline;
        private final String code;

        Use(String pipeline, String code) {
            this.pipeline = pipeline;
            this.code = code;
        }
    }

    private static final String CAUSAL = """
            ```python
            from transformers import AutoModelForCausalLM, AutoTokenizer
            model = AutoModelForCausalLM.from_pretrained(".")  # this folder, or its name on the hub
            tokenizer = AutoTokenizer.from_pretrained(".")
            ```

            """;

    private static final String STATES_ONLY = CAUSAL.replace("ForCausalLM", "");

    private static final String WITH_IMAGES = """
            ```python
            from transformers import AutoModelForImageTextToText, AutoProcessor
            model = AutoModelForImageTextToText.from_pretrained(".")  # this folder, or its name on the hub
            processor = AutoProcessor.from_pretrained(".")
            ```

            Layers of its text part went; they were chosen and measured on text alone, and what sees images is as it was. \
            Parameters are those of the text part.

            """;

    private static final String LAYERS = """
            Layers have other numbers than in the dense model. Its adapters (LoRA) would land on other layers without a word, \
            unless `come adapter` renumbers them, and programs that keep results by the name of a model may give those of the dense one.

            """;

    public ModelCard {
        hubDatasets = Map.copyOf(hubDatasets);
    }

    /** The text. */
    public String toMarkdown() {
        JsonNode settings = plan.settings();
        StringBuilder text = new StringBuilder();
        String method = settings.path("method").asString();
        String name = settings.path("model").path("name").asString();
        text.append(frontMatter(name, method));
        text.append("# ").append(name).append(", ").append(plan.last().size()).append(" of ").append(plan.layers())
                .append(" layers\n\n");
        text.append("Made by ").append(settings.path("tool").asString()).append(" with `")
                .append(method).append("` (").append(how(settings)).append("). It is an ordinary ").append(modelType)
                .append(" checkpoint for transformers; `").append(PruningPlan.FILE_NAME)
                .append("` holds everything that is needed to make it again.\n\n")
                .append(use.code).append(LAYERS);
        plan.warnings().forEach(warning -> text.append(warning).append("\n\n"));
        text.append("| | before | after |\n| --- | ---: | ---: |\n");
        text.append(String.format(Locale.ROOT, "| decoder layers | %d | %d |\n", plan.layers(), plan.last().size()));
        text.append(String.format(Locale.ROOT, "| parameters | %,d | %,d |\n", denseParameters, parameters));
        for (String metric : plan.evaluations().stream().map(Measurement::metric).distinct().toList()) {
            text.append("| ").append(CardResults.ofMetric(metric)).append(" | ").append(value(metric, plan.layers()))
                    .append(" | ")
                    .append(value(metric, plan.last().size())).append(" |\n");
        }
        text.append("\nLayers, each written as the original layers that it was made from:\n\n    ")
                .append(plan.last().tree()).append("\n\n");
        text.append("| step | layers left | |\n| ---: | ---: | --- |\n");
        List<LayerStack> history = plan.history();
        for (int i = 0; i < plan.steps().size(); i++) {
            PruningStep step = plan.steps().get(i);
            text.append("| ").append(i + 1).append(" | ").append(step.stack().size()).append(" | ")
                    .append(step.describe(history.get(i))).append(" |\n");
        }
        text.append(licence.map(told -> "\nLicence: " + told.inWords() + ", as the dense model tells it.\n")
                .orElse("\nThe dense model's folder tells no licence, so look for it before you hand this model on.\n"));
        text.append(healing(settings.path(PruningPlan.DISTILLATION)));
        JsonNode chosenOn = settings.path(PruningPlan.PLAN_MODEL).path("name");
        if (!chosenOn.isMissingNode()) {
            text.append("\nThe layers were chosen on ").append(chosenOn.asString())
                    .append(", a model of the same shape, and not measured on this one.\n");
        }
        JsonNode calibration = settings.path("calibration");
        if (calibration.isMissingNode()) {
            return text.append("\nChosen from the weights alone, without data.\n").append(Paper.cited(method))
                    .toString();
        }
        text.append("\nMeasured on ").append(CardResults.withoutFolder(calibration.path("dataset").asString()))
                .append(" (")
                .append(calibration.path("split").asString()).append(" split): ")
                .append(calibration.path("sequences").asInt()).append(" sequences, ")
                .append(calibration.path("tokens_used").asInt()).append(" tokens, seed ")
                .append(settings.path("seed").asString()).append(", computed in ")
                .append(settings.path("compute").path("dtype").asString()).append(".\n").append(Paper.cited(method));
        return text.toString();
    }

    /** What the hub reads. A base model is named if it is one of the hub. */
    private String frontMatter(String name, String method) {
        List<String> datasets = datasets();
        return "---\nlibrary_name: transformers\npipeline_tag: "
                + use.pipeline + "\n"
                + (HUB_NAME.matcher(name).matches() ? "base_model: " + name + "\n" : "")
                + licence.map(told -> FrontMatter.written(told.keys())).orElse("")
                + (datasets.isEmpty() ? "" : "datasets:\n- " + String.join("\n- ", datasets) + "\n")
                + "tags:\n- pruned\n- layer-pruning\n- come\n- " + method.replace("+", "-plus") + "\n---\n\n";
    }

    /** What was calibrated, healed and trained on, as far as it is on the hub; a file of the user is not. */
    private List<String> datasets() {
        JsonNode settings = plan.settings();
        return Stream.concat(
                Stream.of(settings.path("calibration"), settings.path(PruningPlan.HEALING).path("calibration")),
                settings.path(PruningPlan.DISTILLATION).path("text").valueStream())
                .flatMap(text -> CardResults.names(text.path("dataset").asString(""))).map(hubDatasets::get)
                .filter(Objects::nonNull).distinct()
                .toList();
    }

    private static String how(JsonNode settings) {
        if (settings.path("method").asString().equals(Methods.MANUAL.name())) {
            return "its layers were named by hand";
        }
        if (settings.path("options").path("compat").asString("none").equals("reference")) {
            return "as the authors' published code does it";
        }
        return Paper.of(settings.path("method").asString()).isPresent()
                ? "as the paper defines it"
                : "a method of no paper";
    }

    /** How the layers were trained afterwards; nothing if they were not. */
    private static String healing(JsonNode distillation) {
        if (distillation.isMissingNode()) {
            return "";
        }
        JsonNode options = distillation.path("options");
        List<String> levels = new ArrayList<>();
        if (!distillation.path("layers").isEmpty()) {
            levels.add(String.format(Locale.ROOT, "%d layers by themselves, each on %,d tokens for %s",
                    distillation.path("layers").size(), options.path("tokens").asLong(),
                    options.path("objective").asString()));
        }
        if (distillation.has("model")) {
            levels.add(String.format(Locale.ROOT, "the whole model on %,d tokens (%s)",
                    options.path("model_tokens").asLong(),
                    options.path("trained").asString()));
        }
        return "\nThen trained by the dense model: " + String.join(", then ", levels) + "; text: "
                + distillation.path("text").valueStream()
                        .map(text -> CardResults.withoutFolder(text.path("dataset").asString()) + " ("
                                + text.path("split").asString() + " split)")
                        .collect(Collectors.joining(", "))
                + ".\n";
    }

    private String value(String metric, int layers) {
        return plan.evaluations().stream()
                .filter(evaluation -> evaluation.metric().equals(metric) && evaluation.layers() == layers).findFirst()
                .map(evaluation -> String.format(Locale.ROOT, "%.3f", evaluation.value())).orElse("");
    }
}
