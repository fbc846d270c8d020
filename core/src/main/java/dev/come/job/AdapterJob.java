package dev.come.job;

import dev.come.FailedException;
import dev.come.InvalidInputException;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.checkpoint.AdapterFolder;
import dev.come.checkpoint.LayerNames;
import dev.come.checkpoint.Shown;
import dev.come.model.Families;
import dev.come.model.Family;
import dev.come.prune.PruningPlan;
import dev.come.stack.LayerPlaces;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SequencedSet;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/** {@code come adapter}: makes a LoRA of the dense model one of the pruned model. */
public final class AdapterJob {
    private AdapterJob() {
    }

    /**
     * What was made.
     *
     * @param kept layers of the dense model that it has weights for and that are left
     * @param dropped those that are not
     * @param base the model that the adapter names now
     */
    public record Result(Path folder, List<Integer> kept, List<Integer> dropped, Optional<String> base) {}

    /**
     * Does the job.
     *
     * @param lora the folder of the adapter, as PEFT saved it
     * @param planFile the come.json of the pruned model
     * @param targetLayers another number of layers from the plan's history
     * @param base the model that the adapter shall name; otherwise the folder of the plan, if that is what it is for
     * @param target the folder to make
     * @throws InvalidInputException if a merged layer has weights of the adapter, or a file cannot be followed
     * @throws UsageException if the target is not empty
     * @throws FailedException if it cannot be written; then nothing is left behind
     */
    public static Result run(Path lora, Path planFile, OptionalInt targetLayers, Optional<String> base, Path target,
            Progress progress) {
        PruningPlan whole = PruningPlan.read(planFile);
        whole.requireWhole(planFile);
        PruningPlan plan = targetLayers.isPresent() ? whole.until(targetLayers.getAsInt()) : whole;
        LayerPlaces places = LayerPlaces.of(plan.last());
        LayerNames names = new LayerNames(layerList(plan, planFile), places.numbers());
        try (AdapterFolder adapter = new AdapterFolder(lora)) {
            adapter.checkTarget(target);
            SequencedSet<Integer> layers = adapter.layers(names);
            requireOfTheModel(lora, layers, plan);
            requireUnmerged(lora, layers, places, whole);
            Result result = new Result(target, layers.stream().filter(places.kept()::containsKey).toList(),
                    layers.stream().filter(layer -> !places.kept().containsKey(layer)).toList(),
                    base.or(() -> plan.last().equals(whole.last())
                            ? Optional.of(planFile.toAbsolutePath().normalize().resolveSibling("").toString())
                            : Optional.empty()));
            tell(adapter, result, places, plan, progress);
            adapter.writeTo(target, names, result.base(), card(result, adapter, places, plan), progress);
            return result;
        }
    }

    private static String layerList(PruningPlan plan, Path planFile) {
        String type = plan.settings().path(PruningPlan.MODEL).path("model_type").asString("");
        String prefix = Families.ALL.stream().filter(family -> family.modelType().equals(type))
                .map(Family::layerPrefix).findFirst()
                .orElseThrow(() -> new InvalidInputException(planFile + " is for a model of the type "
                        + Shown.of(type) + ", which is not known; give the file that was written"));
        String list = prefix.substring(0, prefix.length() - 1);
        return list.substring(list.lastIndexOf('.') + 1);
    }

    private static void requireOfTheModel(Path lora, SequencedSet<Integer> layers, PruningPlan plan) {
        if (!layers.isEmpty() && layers.getLast() >= plan.layers()) {
            throw new InvalidInputException(lora + " has weights for layer " + layers.getLast()
                    + ", but the dense model of the plan has the layers 0 to " + (plan.layers() - 1)
                    + "; give an adapter of that model");
        }
    }

    private static void requireUnmerged(Path lora, SequencedSet<Integer> layers, LayerPlaces places,
            PruningPlan whole) {
        layers.stream().filter(places.merged()::containsKey).findFirst().ifPresent(layer -> {
            String merge = Objects.requireNonNull(places.merged().get(layer)).tree();
            String before = whole.history().stream().skip(1)
                    .filter(stack -> layers.stream().noneMatch(LayerPlaces.of(stack).merged()::containsKey))
                    .map(stack -> "" + stack.size()).distinct().collect(Collectors.joining(", "));
            throw new InvalidInputException(lora + " has weights for layer " + layer + ", which is merged in "
                    + merge + ", and no adapter can follow a merge; "
                    + (before.isEmpty() ? "" : "give --target-layers " + before + ", or ")
                    + "train an adapter on the pruned model");
        });
    }

    private static void tell(AdapterFolder adapter, Result result, LayerPlaces places, PruningPlan plan,
            Progress progress) {
        JsonNode model = plan.settings().path(PruningPlan.MODEL).path("name");
        String base = adapter.base().orElse("");
        if (!base.isEmpty() && !lastName(base).equals(lastName(model.asString("")))) {
            progress.note("The adapter says that it is for " + Shown.of(base) + ", and the plan is for "
                    + Shown.of(model) + ": make sure that these are the same weights");
        }
        List<Integer> trained = result.kept().stream().filter(places.trained()::contains).toList();
        if (!trained.isEmpty()) {
            progress.note("Layers with other weights than those that the adapter was trained on, since they were"
                    + " refitted or trained: " + numbers(trained) + "; measure whether it still does what it should");
        }
        if (!result.dropped().isEmpty()) {
            progress.note("Weights of the adapter that go with their layers: " + numbers(result.dropped()));
        }
    }

    private static String lastName(String path) {
        return path.substring(1 + Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')));
    }

    private static String numbers(List<Integer> layers) {
        return layers.stream().map(layer -> "" + layer).collect(Collectors.joining(", "));
    }

    private static String card(Result result, AdapterFolder adapter, LayerPlaces places, PruningPlan plan) {
        StringBuilder text = new StringBuilder("---\nlibrary_name: peft\ntags:\n- lora\n- come\n---\n\n");
        text.append("# LoRA for ").append(plan.last().size()).append(" of ").append(plan.layers()).append(" layers of ")
                .append(plan.settings().path(PruningPlan.MODEL).path("name").asString("")).append("\n\n");
        text.append("Made from an adapter of the dense model").append(adapter.base().map(name -> " (" + name + ")")
                .orElse(""))
                .append(": its weights are those, under the numbers that layers have in the pruned model.\n");
        if (!result.dropped().isEmpty()) {
            text.append("Left out, because the layers are gone: ").append(numbers(result.dropped())).append(".\n");
        }
        text.append("\n| layer | was |\n| ---: | ---: |\n");
        result.kept().forEach(layer -> text.append("| ").append(places.kept().get(layer)).append(" | ").append(layer)
                .append(" |\n"));
        return text.toString();
    }
}
