package dev.come.job;

import dev.come.InvalidInputException;
import dev.come.prune.PruningPlan;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerNode.Training;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * How a pruned model was made, as the come.json in its folder tells.
 *
 * @param method as {@code --method} has it
 * @param denseModel the model that it was made from
 * @param chosenOn the model that the layers were chosen on, where that is another one
 * @param denseLayers layers of the dense model
 * @param tree the layers, each written as the original layers that it was made from
 * @param removed original layers that are gone altogether
 * @param merged layers that were made from several, as nested lists
 * @param refitted layers that were refitted in closed form
 * @param distilled layers that were trained by the dense model
 */
public record Making(String method, String denseModel, Optional<String> chosenOn, int denseLayers, String tree,
        List<Integer> removed, List<String> merged, List<String> refitted, List<String> distilled) {
    /**
     * Reads the come.json of a folder, if there is one.
     *
     * @param layers of the model in the folder
     * @throws InvalidInputException if it cannot be read, or tells of another model
     */
    static Optional<Making> of(Path folder, int layers) {
        Path file = folder.resolve(PruningPlan.FILE_NAME);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        PruningPlan plan = PruningPlan.read(file);
        plan.requireWhole(file);
        if (plan.last().size() != layers) {
            throw new InvalidInputException(file + " tells of " + plan.last().size() + " layers, but the model has "
                    + layers + "; it belongs to another model");
        }
        List<LayerNode> nodes = plan.last().nodes();
        Set<Integer> left = nodes.stream().flatMapToInt(LayerNode::originals).boxed().collect(Collectors.toSet());
        return Optional.of(new Making(plan.settings().path("method").asString(),
                name(plan, PruningPlan.MODEL).orElse(""), name(plan, PruningPlan.PLAN_MODEL), plan.layers(),
                plan.last().tree(),
                IntStream.range(0, plan.layers()).boxed().filter(one -> !left.contains(one)).toList(),
                nodes.stream().filter(node -> node.originals().count() > 1).map(LayerNode::tree).toList(),
                trained(nodes, Training.REFITTED), trained(nodes, Training.DISTILLED)));
    }

    private static Optional<String> name(PruningPlan plan, String setting) {
        return plan.settings().path(setting).path("name").asStringOpt();
    }

    /** The layers that something changed the weights of, also if something else has done so since. */
    private static List<String> trained(List<LayerNode> nodes, Training training) {
        return nodes.stream().filter(node -> wasTrained(node, training)).map(LayerNode::tree).toList();
    }

    private static boolean wasTrained(LayerNode node, Training training) {
        return node.trained().anyMatch(one -> one.training() == training || wasTrained(one.start(), training));
    }
}
