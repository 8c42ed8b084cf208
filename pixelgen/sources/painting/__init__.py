"""How the sample landscapes are painted: brush, palettes, scene, terrain and motifs."""
