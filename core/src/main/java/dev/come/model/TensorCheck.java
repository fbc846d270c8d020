package dev.come.model;

import dev.come.InvalidInputException;
import dev.come.checkpoint.CheckpointHeaders;
import dev.come.checkpoint.DType;
import dev.come.checkpoint.Quantisation;
import dev.come.checkpoint.TensorInfo;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** Compares the tensors of a model with those that its configuration asks for, and says why they are others. */
record TensorCheck(ModelConfig config, CheckpointHeaders headers) {
    /** @throws InvalidInputException if a tensor is missing, unexpected, of another shape or of a type without fractions */
    void run() {
        Map<String, List<Long>> shapes = expected();
        try {
            headers.checkTensors(shapes.keySet(), optional());
            shapes.forEach((name, shape) -> check(headers.info(name), shape));
        } catch (InvalidInputException e) {
            throw strangelyNamed().or(() -> quantised(shapes.keySet())).or(() -> leftOut(e)).orElse(e);
        }
    }

    private Map<String, List<Long>> expected() {
        Map<String, List<Long>> shapes = new LinkedHashMap<>(config.tensorsBefore());
        for (int layer = 0; layer < config.layers(); layer++) {
            for (List<Part> tensor : config.layerTensors()) {
                shapes.put(config.tensorName(layer, tensor.getFirst()), config.shape(tensor));
            }
        }
        shapes.putAll(config.tensorsAfter());
        return shapes;
    }

    /** What a model may have and needs not: exponents alone are scales, and no weight uses those that are still there. */
    private Set<String> optional() {
        Family family = config.family();
        return headers.names().stream()
                .filter(name -> name.equals(family.names().head())
                        || family.ignored().stream().anyMatch(name::endsWith)
                        || headers.info(name).dtype() == DType.F8_E8M0)
                .collect(Collectors.toSet());
    }

    private static void check(TensorInfo info, List<Long> shape) {
        if (!info.shape().equals(shape)) {
            throw new InvalidInputException(info.file() + ": tensor " + info.name() + " has shape " + info.shape()
                    + ", but config.json makes it " + shape + "; check that config.json belongs to these weights");
        }
        if (!info.dtype().floating()) {
            throw new InvalidInputException(info.file() + ": tensor " + info.name() + " is stored as " + info.dtype()
                    + ", but weights must be F64, F32, F16 or BF16; dequantise the checkpoint first");
        }
    }

    /** Packed weights are integers, or have other tensors with scales beside them. */
    private Optional<InvalidInputException> quantised(Set<String> expected) {
        Set<String> optional = optional();
        Optional<TensorInfo> packed = headers.tensors().stream().filter(tensor -> !tensor.dtype().floating())
                .findFirst().or(() -> headers.names().stream()
                        .filter(name -> !expected.contains(name) && !optional.contains(name)).findFirst()
                        .map(headers::info));
        return packed.flatMap(tensor -> Quantisation.of(headers.config()).map(quantisation -> new InvalidInputException(
                "%s: the weights are quantised (%s; tensor %s is %s), which is not read; %s".formatted(tensor.file(),
                        quantisation, tensor.name(), tensor.dtype(), quantisation.advice()))));
    }

    private Optional<InvalidInputException> strangelyNamed() {
        return UsualNames.strangePrefix(headers.names(), config.family()).map(prefix -> new InvalidInputException(
                "%s: the names of all tensors begin with '%s', which no %s model has; it is left from a wrapper around the model, "
                        .formatted(headers.folder(), prefix, config.family().modelType())
                        + "so save the model inside of it, or take '%s' off the names".formatted(prefix)));
    }

    private Optional<InvalidInputException> leftOut(InvalidInputException e) {
        List<String> keys = config.family().leftOut(headers.config());
        return keys.isEmpty()
                ? Optional.empty()
                : Optional.of(new InvalidInputException(
                        e.getMessage() + "; config.json leaves out " + String.join(", ", keys), e));
    }
}
