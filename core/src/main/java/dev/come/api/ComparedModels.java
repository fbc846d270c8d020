package dev.come.api;

import dev.come.ComeException;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalDouble;
import java.util.SequencedMap;

/**
 * What several methods made of one model.
 *
 * @param folder holds a folder for each method, and the comparison as comparison.json and comparison.csv
 * @param models of the methods that got there, in the order that was asked for
 * @param failures why the others did not, by the name of the method
 * @param denseLoss the loss of the dense model on the calibration text, in nats for each token
 */
public record ComparedModels(Path folder, List<PrunedModel> models, SequencedMap<String, ComeException> failures,
        OptionalDouble denseLoss) {}
