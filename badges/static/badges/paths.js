"use strict";
// Offers the fields of the chosen event type where a rule's path is typed. The form works without it.
document.addEventListener("DOMContentLoaded", () => {
  const source = document.getElementById("badges-paths-by-type");
  const list = document.getElementById("badges-paths");
  const chosen = document.getElementById("id_event_type");
  if (!source || !list || !chosen) {
    return;
  }
  const pathsByType = JSON.parse(source.textContent);
  const offer = () => {
    const paths = pathsByType[chosen.value] || [];
    list.replaceChildren(...paths.map((path) => {
      const option = document.createElement("option");
      option.value = path;
      return option;
    }));
  };
  chosen.addEventListener("change", offer);
  offer();
});
